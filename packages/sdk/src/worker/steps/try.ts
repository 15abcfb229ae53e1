import { platform } from '#platform';
import { loggerWith } from '../../connection/logger.ts';
import { JobTimeoutError } from '../../errors.ts';
import { timerMs } from '../../options/duration.ts';
import { type GiveBack, giveBackFor } from '../execution/outcome.ts';
import { StepNestedError } from './errors.ts';
import type { StepsHost } from './host.ts';
import { recordingKey, type StepRecording } from './recording.ts';
import type { StepInfo } from './types.ts';

/** The step that runs the current code. */
interface Scope {
  readonly step: string;
  /** False once its function has ended. */
  running: boolean;
}

/** Absent on platforms where no value follows the calls of code: there a nested call is not found. */
const scopes = platform.asyncStorage?.<Scope>();

/** @throws {StepNestedError} inside of the function of a step. */
export function refuseNested(name: string, jobId: string): void {
  const scope = scopes?.getStore();
  if (scope?.running !== true) return;
  throw new StepNestedError(
    `The step "${name}" is called inside of the step "${scope.step}". A step cannot wait for another one: ` +
      `call it in the handler, after "${scope.step}" has ended.`,
    { jobId },
  );
}

export type TryEnd = { readonly value: unknown } | { readonly failed: GiveBack };

/** Runs the function of a step once. A value that comes after the timeout is dropped. */
export async function tryOnce(
  host: StepsHost,
  name: string,
  attempt: number,
  recording: StepRecording | undefined,
  run: (step: StepInfo) => unknown,
  timeoutMs: number | undefined,
): Promise<TryEnd> {
  const own = new AbortController();
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  const end = () => {
    const message = `The step "${name}" ran longer than its timeout of ${timeoutMs} ms.`;
    const error = new JobTimeoutError(message, timeoutMs ?? 0, { jobId: host.jobId });
    own.abort(error);
    late.reject(error);
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(end, timerMs(timeoutMs));
  const info: StepInfo & { readonly [recordingKey]: StepRecording | undefined } = {
    [recordingKey]: recording,
    name,
    attempt,
    // A job that has taken over the row of a step uses the key of the first one.
    key: `${recording?.kept.origin ?? host.jobId}/${name}`,
    signal: AbortSignal.any([host.leased.signal, own.signal]),
    log: loggerWith(host.log, { step: name, step_attempt: attempt }),
  };
  const scope: Scope = { step: name, running: true };
  const work = async () => {
    try {
      return await run(info);
    } finally {
      scope.running = false;
    }
  };
  try {
    const result = scopes === undefined ? work() : scopes.run(scope, work);
    return { value: await Promise.race([result, late.promise]) };
  } catch (error) {
    const failed = giveBackFor(error);
    // Another try would call it again.
    const isMistake = error instanceof StepNestedError;
    return { failed: isMistake ? { failure: { ...failed.failure, retryable: false } } : failed };
  } finally {
    clearTimeout(timer);
  }
}
