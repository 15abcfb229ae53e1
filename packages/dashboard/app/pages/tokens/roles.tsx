import { rightsOf, rightWords, roles } from '@ojs-ts/core';
import { Card } from '../../ui/page.tsx';

/** What each role may do, from the table that the server checks. */
export function Roles() {
  return (
    <Card title="Roles">
      <dl className="facts">
        {roles.map((role) => (
          <Role key={role} role={role} />
        ))}
      </dl>
    </Card>
  );
}

function Role({ role }: { readonly role: (typeof roles)[number] }) {
  return (
    <>
      <dt>
        <code>{role}</code>
      </dt>
      <dd>{rightsOf[role].map((right) => rightWords[right]).join('; ')}</dd>
    </>
  );
}
