import type { Call } from '@ojs-ts/core';
import type { CallSettings, End, Outcome } from './attempts.ts';
import type { Connection } from './connection.ts';
import type { Deadline } from './deadline.ts';
import type { ErrorContext, OJSError } from './errors.ts';
import { pause } from './events/pause.ts';
import type { Wire } from './json.ts';
import { attempts } from './retries.ts';

/** A call under way. */
export interface UnderWay {
  readonly connection: Connection;
  readonly deadline: Deadline;
  readonly call: Call;
  readonly about: ErrorContext;
  readonly settings: CallSettings;
  /** What every attempt met; grows. */
  readonly met: OJSError[];
}

/** The body of a call whose first attempt did not succeed: of a further one, or found in another way. @throws what it ended with. */
export async function settle(work: UnderWay, first: Outcome): Promise<Wire> {
  const end = await repeated(work, first);
  if ('body' in end) return end.body;
  const ask = async (call: Call) => {
    const found = await repeated({
      ...work,
      call,
      about: { ...work.about, operation: call.operation },
      settings: {},
      met: [],
    });
    if ('body' in found) return found.body;
    throw found.error;
  };
  const body = end.recovery?.body(await Promise.all(end.recovery.calls.map(ask))) ?? null;
  if (body === null) throw end.error;
  return body;
}

async function repeated({ connection, deadline, call, about, settings, met }: UnderWay, first?: Outcome): Promise<End> {
  const steps = attempts(about, settings, connection.retry, () => deadline.remaining, met);
  let step = steps.next();
  if (first !== undefined) step = steps.next(first);
  while (!step.done) {
    const { context, pauseMs } = step.value;
    if (pauseMs > 0) await deadline.race(pause(pauseMs, deadline.signal));
    step = steps.next(await connection.attempt(call, deadline, context, settings.isAnswer));
  }
  return step.value;
}
