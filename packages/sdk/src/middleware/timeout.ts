import { JobTimeoutError, OJSValidationError } from '../errors.ts';
import { checkNames } from '../options/check-names.ts';
import { type Duration, timerMs } from '../options/duration.ts';
import { durationMs } from '../options/values.ts';
import { abortExecution } from '../worker/execution/context.ts';
import type { ExecutionMiddleware } from './types.ts';

/**
 * Fails an execution that takes longer than `limit`, with the error type `timeout`. `ctx.signal` aborts, and the slot
 * is free at once. A handler that ignores the signal keeps running, but its outcome no longer counts. The worker
 * enforces the job's own timeout by itself. A timeout also ends the retries of the retry middleware, because a signal
 * aborts only once.
 * @param limit milliseconds as a number, a text such as `'30s'`, or `{ seconds }`.
 * @throws {OJSValidationError} if the limit is no positive duration.
 */
export function timeoutMiddleware(limit: { seconds: number } | Duration): ExecutionMiddleware {
  if (typeof limit === 'object') checkNames(limit, { seconds: true }, 'limit');
  const ms = typeof limit === 'object' ? limit.seconds * 1000 : durationMs(limit, 'limit');
  if (!(ms > 0)) throw OJSValidationError.of('limit', `expected a positive duration, got ${JSON.stringify(limit)}`);
  return async function timeout(context, next) {
    const { promise: over, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = new JobTimeoutError(`The job ran longer than its limit of ${ms} ms.`, ms, { jobId: context.jobId });
      abortExecution(context, error);
      reject(error);
    }, timerMs(ms));
    try {
      const work = next();
      // The outcome of the handler no longer counts.
      work.catch(() => {});
      return await Promise.race([work, over]);
    } finally {
      clearTimeout(timer);
    }
  };
}
