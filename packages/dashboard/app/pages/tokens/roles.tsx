import { rightsOf, rightWords, roles } from '@ojs-ts/core/access';
import { Fragment } from 'react';
import { Card, Facts } from '../../ui/index.ts';

/** Whom each role is for, in a line. */
export const purposes: Readonly<Record<(typeof roles)[number], string>> = {
  viewer: 'A colleague who may look and change nothing. Arguments and results are hidden.',
  inspector: 'A colleague who may look at everything, including arguments and results, and change nothing.',
  operator: 'An operator who may also retry, cancel, pause and edit.',
  admin: 'May do everything, including deleting jobs, changing settings and creating tokens.',
  enqueue: 'An application that enqueues jobs and waits for their results.',
  work: 'A worker of the SDK.',
  cron: 'A program that registers cron jobs.',
  producer: 'An application that enqueues jobs and reads nothing.',
  worker: 'A worker that reads no other jobs.',
};

/** The rights of each role, from the table that the server checks. */
export function Roles() {
  return (
    <Card title="Roles">
      <Facts name={(role) => <code>{role}</code>} of={Object.fromEntries(facts)} />
    </Card>
  );
}

const facts = roles.map((role) => [
  role,
  <Fragment key={role}>
    {purposes[role]}
    <div className="soft small">{rightsOf[role].map((right) => rightWords[right]).join('; ')}</div>
  </Fragment>,
]);
