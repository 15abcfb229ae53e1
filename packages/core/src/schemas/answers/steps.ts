import { waitKinds } from '../../durable/mark.ts';
import { stepKinds, stepStates } from '../../durable/row.ts';
import * as t from './parts.ts';

const StepError = t.open('StepError', {
  message: t.text(),
  ...t.each(t.maybe(t.text()), 'type', 'code'),
  details: t.maybe(t.json()),
});

const mailbox = {
  signal: t.maybe(t.text('The name of the signal that a wait is for, where the step has another one.')),
  token: t.maybe(t.text('The token that a wait is for.')),
  workflow: t.maybe(t.text('The workflow of the jobs that a wait is for.')),
};

const row = {
  name: t.text(),
  kind: t.oneOf(stepKinds),
  state: t.oneOf(stepStates),
  number: t.count('The place in the order of records, 1 for the first.'),
  tries: t.maybe(t.count('Tries that have ended, or probes of a poll.')),
  until: t.maybe(t.time('The end of a sleep, of a poll or of the pause between two tries.')),
  next_at: t.maybe(t.time('The next probe of a poll.')),
  value: t.maybe(t.json('Absent for none, and for a value that is not shown.')),
  bytes: t.maybe(t.count('Bytes of a value that this answer does not have.')),
  error: t.maybe(StepError),
  ...mailbox,
  undo: t.maybe(t.yes('The step can be undone.')),
  origin: t.maybe(t.text('The job that ran the step first, where its rows were taken over.')),
  due: t.maybe(t.yes('The wait is over.')),
  arrived: t.maybe(t.yes('A signal has come for this open wait, and `value` is its payload.')),
  encoded: t.maybe(t.yes('The payload of a signal went through the codec of its sender.')),
};

const Step = t.named('Step', {
  ...row,
  claim: t.count('The claim of the job that wrote it.'),
  started_at: t.time(),
  ended_at: t.maybe(t.time()),
});
export type Step = t.Of<typeof Step>;

/** `x_steps` of a fetched job. */
export const claimedSteps = t.object({
  rows: t.list(t.named('ClaimedStep', row)),
  more: t.maybe(t.yes('The job has more rows: GET /jobs/:id/steps has them.')),
});

/** `x_wait` of a suspended job. */
export const waits = t.list(
  t.named('Wait', { name: t.text(), kind: t.oneOf(waitKinds), until: t.maybe(t.time('Absent for none.')), ...mailbox }),
);

/** The unread signals of a mailbox. */
export const unread = {
  unread: t.count('Signals that no wait has read.'),
  oldest_at: t.maybe(t.time('When the oldest of them was sent.')),
};

const UnreadMail = t.named('UnreadMail', { name: t.text('Of the signal.'), ...unread });

const recorded = t.object({
  name: t.text(),
  state: t.oneOf(stepStates),
  recorded: t.maybe(t.yes('An earlier outcome stays, and is shown.')),
  until: t.maybe(t.time()),
  value: t.maybe(t.json()),
  bytes: t.maybe(t.count('Bytes of an earlier value that is not shown.')),
  encoded: t.maybe(t.yes()),
  error: t.maybe(StepError),
});

export const stepAnswers = {
  'job.steps': t.answer({
    steps: t.list(Step),
    next: t.orNull(t.count('The `after` of the next page.')),
    mail: t.maybe(t.list(UnreadMail)),
  }),
  'worker.steps': t.answer({
    items: t.list(
      t.object({
        job_id: t.text(),
        status: t.count('200; 409 if the claim does not hold; 404, 413 or 422.'),
        steps: t.maybe(t.list(recorded)),
        error: t.maybe(t.ErrorBody),
      }),
    ),
  }),
};
