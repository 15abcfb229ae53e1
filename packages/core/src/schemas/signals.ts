import { mailLimits } from '../durable/mailbox.ts';
import { stepLimits } from '../durable/row.ts';
import { checked, optional } from './members.ts';
import { limit } from './parameters.ts';
import { signalName, token } from './steps.ts';
import { Type } from './type.ts';

/** To `job_id` and `name`, or to `token`. */
export const signal = () =>
  Type.Object(
    optional({
      job_id: Type.String({ description: 'The job whose signal it is.' }),
      name: signalName('Of the signal.'),
      token: token('In place of a job: whoever waits for this token gets the signal.'),
      queue: Type.String({ description: 'With `token`: only a job of this queue reads it.' }),
      expires_in_ms: Type.Integer({
        minimum: 1,
        maximum: mailLimits.maxTokenMs,
        description: 'With `token`: how long it is kept unread. Default: 7 days.',
      }),
      id: Type.String({
        minLength: 1,
        maxLength: mailLimits.id,
        description: 'The same id counts once in a mailbox. Default: a new one.',
      }),
      payload: Type.Unknown({ description: 'Any JSON of up to 1 MiB.' }),
      encoded: Type.Boolean({ description: 'Whether the payload went through the codec of the sender.' }),
    }),
  );

const afterToken = checked(
  (text) => text !== '' && text.length <= stepLimits.token && !text.includes('\0'),
  'the `next_cursor` of the page before',
  { description: 'The `next_cursor` of the page before.' },
);

export const signalRequests = {
  'signal.send': {
    summary: 'Send signals to jobs that wait, or will wait, for them',
    body: {
      unknown: 'refuse',
      schema: () => Type.Object({ signals: Type.Array(signal(), { maxItems: stepLimits.items }) }),
    },
  },
  'signal.list': {
    summary: 'Mailboxes under tokens, in the order of the tokens',
    query: { limit, cursor: afterToken },
  },
  'job.wake': {
    summary: 'End waits of a suspended job',
    audit: 'job.woken',
    body: {
      unknown: 'refuse',
      optional: true,
      schema: () =>
        Type.Object(
          optional({
            names: Type.Array(Type.String(), {
              minItems: 1,
              maxItems: stepLimits.waits,
              description: 'Of the waits to end. Default: all. A wait for a signal times out.',
            }),
          }),
        ),
    },
  },
} as const;
