import type { NamesOf } from '@ojs-ts/core';
import { stepLimits } from '@ojs-ts/core/durable';
import { OJSError, OJSValidationError } from '../../errors.ts';
import { parseWith, type StandardSchemaV1 } from '../../job/standard-schema.ts';
import { compact, quoted } from '../../json.ts';
import { checkNames } from '../../options/check-names.ts';
import type { Duration } from '../../options/duration.ts';
import { checkToken } from '../../signal/definition.ts';
import type { Calls, Outcome } from './calls.ts';
import type { Row } from './row.ts';
import type { SignalWaitOptions } from './types.ts';
import { waitMs } from './value.ts';

type WaitOptions = SignalWaitOptions & { readonly timeout?: Duration | Date | undefined };

const waitNames: NamesOf<WaitOptions> = { as: true, token: true, timeout: true };

/**
 * The work of a wait. It records its begin, so that the server finds it. Its end is recorded, too: that record takes a
 * signal that has come before.
 * @throws {OJSValidationError}; {OJSError} if the server cannot suspend jobs.
 */
export function waitFor(
  calls: Calls,
  signal: string,
  options: WaitOptions & { readonly as: string },
  now: number,
  jobId: string,
): (row: Row | undefined) => Promise<Outcome> {
  checkNames(options, waitNames);
  const { as: name, token, timeout } = options;
  if (token !== undefined) checkToken(token);
  const ms = timeout === undefined ? undefined : Math.max(0, Math.ceil(waitMs(timeout, 'timeout', now)));
  const mailbox = token === undefined ? (signal === name ? {} : { signal }) : { token };
  const end = timeout instanceof Date ? { until: timeout.toISOString() } : compact({ ms });
  return async (row) => {
    refuseUnsupported(calls, 'ctx.wait()', jobId);
    const wait = { name, kind: 'signal' } as const;
    if (row === undefined) {
      const came = await calls.listen({ ...wait, state: 'open', ...mailbox, ...end });
      if (came !== undefined) return came;
    }
    if (row?.due !== true) {
      const length = row === undefined && ms !== undefined ? { ms } : { laterMs: stepLimits.waitMs };
      await calls.wait(name, { kind: 'signal', ...length });
    }
    return (await calls.listen({ ...wait, state: 'expired' })) ?? { number: calls.nextNumber(), value: undefined };
  };
}

/**
 * The work of a step that starts jobs. They are started before the row is recorded: an open row says that they are
 * there, and the end of jobs that are faster is kept for it.
 */
export function familyWork(
  calls: Calls,
  name: string,
  workflow: string,
  start: () => Promise<void>,
  jobId: string,
): (row: Row | undefined) => Promise<Outcome> {
  return async (row) => {
    refuseUnsupported(calls, 'ctx.run()', jobId);
    const wait = { name, kind: 'child' } as const;
    if (row === undefined) {
      await calls.unlessOver(start());
      const came = await calls.listen({ ...wait, state: 'open', workflow });
      if (came !== undefined) return came;
    }
    if (row?.due !== true) await calls.wait(name, { kind: 'child', laterMs: stepLimits.waitMs });
    return (await calls.listen({ ...wait, state: 'expired' })) ?? { number: calls.nextNumber(), value: undefined };
  };
}

/** The work of a wait in a test without a stored job. @param names of the step and of the signal. */
export function answered(
  calls: Calls,
  names: readonly [step: string, signal: string],
  signals: Readonly<Record<string, unknown>>,
): () => Promise<Outcome> {
  const [step, signal] = names;
  return async () => {
    const name = names.find((one) => Object.hasOwn(signals, one));
    const value = name === undefined ? undefined : signals[name];
    if (name !== undefined) return { number: calls.nextNumber(), value, isPayload: value !== undefined };
    throw new OJSError(
      `The handler waits for the signal ${quoted(signal)} in the step ${quoted(step)}, and perform() has no payload ` +
        `for it. Pass perform(job, args, { signals: { ${quoted(step)}: … } }).`,
    );
  };
}

/** The payload as the handler gets it. @throws {OJSValidationError} */
export async function readPayload(
  signal: string,
  schema: StandardSchemaV1 | undefined,
  payload: unknown,
): Promise<unknown> {
  if (schema === undefined) return payload;
  try {
    return await parseWith(schema, payload, 'payload');
  } catch (error) {
    if (!(error instanceof OJSValidationError)) throw error;
    const message = `The schema of the signal ${quoted(signal)} refuses what was sent: ${error.message}`;
    throw new OJSValidationError(message, { cause: error });
  }
}

function refuseUnsupported({ waiting }: Calls, what: string, jobId: string): void {
  if (waiting !== 'hold') return;
  throw new OJSError(`${what} needs a server with durable steps (the extension x-steps), and this one has none.`, {
    jobId,
  });
}
