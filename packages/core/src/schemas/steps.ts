import { waitKinds } from '../durable/mark.ts';
import { stepKinds, stepLimits, stepStates } from '../durable/row.ts';
import { moment, optional } from './members.ts';
import { Type } from './type.ts';

/** A JSON array, because a name may have any character. */
export const stepNames = Type.Read<readonly string[]>(
  { type: 'string', description: 'Only these steps: a JSON array of up to 100 names, such as `["charge"]`.' },
  'must be a JSON array of 1 to 100 names of steps, such as ["charge"]',
  (given) => namesIn(String(given)),
);

function namesIn(text: string): readonly string[] | null {
  try {
    const names: unknown = JSON.parse(text);
    const isList = Array.isArray(names) && names.length > 0 && names.length <= 100;
    return isList && names.every((name) => typeof name === 'string') ? names : null;
  } catch {
    return null;
  }
}

const name = () => Type.String({ minLength: 1, maxLength: stepLimits.name, description: 'Of the step.' });
const number = () =>
  Type.Integer({ minimum: 1, description: 'The place among the rows of the job, in the order of records.' });
const until = () => moment('The end of the wait.');
export const signalName = (description: string) =>
  Type.String({ minLength: 1, maxLength: stepLimits.name, description });
export const token = (description: string) => Type.String({ minLength: 1, maxLength: stepLimits.token, description });
/** At most ten years. */
const ms = (description: string) => Type.Integer({ minimum: 0, maximum: stepLimits.waitMs, description });

export const stepRow = () =>
  Type.Object({
    name: name(),
    kind: Type.Enum(stepKinds),
    state: Type.Enum(stepStates, { description: '`done` and `failed` are final.' }),
    number: number(),
    ...optional({
      value: Type.Unknown({ description: 'Of a step that is done, any JSON; absent for none.' }),
      error: Type.Unknown({ description: 'The error of the last try, with `message`.' }),
      tries: Type.Integer({ minimum: 0, description: 'Tries that have ended, or probes of a poll.' }),
      ms: ms('Length of a wait from now on, in place of `until`.'),
      until: until(),
      next_ms: ms('How long until the next probe of a poll.'),
      signal: signalName('Of the signal that a wait is for. Default: the name of the step.'),
      workflow: Type.String({ maxLength: 64, description: 'Of a step that waits for jobs.' }),
      token: token('That a wait is for, in place of a signal of the job.'),
      undo: Type.Literal(true, { description: 'Of a step of the kind `run` that can be undone.' }),
    }),
  });

export const wait = () => Type.Object({ name: name(), kind: Type.Enum(waitKinds), ...optional({ until: until() }) });

export const failedTry = () =>
  Type.Object({
    name: name(),
    number: number(),
    tries: Type.Integer({ minimum: 1, description: 'Tries of the step so far, with this one.' }),
    error: Type.Unknown({ description: 'The error of this try, with `message`.' }),
    retry: Type.Object({ ms: ms('The pause until the next try.') }),
  });

/** The member of a workflow whose end a step waits for. */
export const parentMember = () =>
  Type.Object(
    {
      job_id: Type.String({ description: 'The job that waits.' }),
      x_lease: Type.String({ maxLength: 64, description: 'The lease of the execution that starts the workflow.' }),
      step: name(),
      ...optional({
        on_failure: Type.Enum(['wait', 'cancel'], {
          description: '`cancel`: the first failed job cancels the others.',
        }),
        on_parent_end: Type.Enum(['cancel', 'leave'], { description: 'For jobs that are open when the parent ends.' }),
      }),
    },
    { description: 'A durable step that waits for the end of this workflow.' },
  );

/** Steps that a worker records. */
export const stepRows = () => Type.Array(stepRow(), { maxItems: stepLimits.rows });

/** Members of a nack that suspends the job. */
export const suspensionMembers = () =>
  optional({
    waits: Type.Array(wait(), {
      maxItems: stepLimits.waits,
      description: 'With `requeue`: what the job waits for. It starts at the first end.',
    }),
    steps: stepRows(),
    failed_steps: Type.Array(failedTry(), {
      maxItems: stepLimits.rows,
      description: 'With `requeue`: steps that are tried again after a pause.',
    }),
  });
