import { JobTimeoutError, OJSValidationError } from '../errors.ts';
import { type Duration, timerMs } from '../options/duration.ts';
import { known } from '../options/known.ts';
import { durationMs } from '../options/values.ts';
import { abortExecution } from '../worker/context.ts';
import type { ExecutionMiddleware } from './types.ts';

/**
 * Fails an execution that takes longer than `limit`, with the error type `timeout`. `ctx.signal` aborts and the slot is free at once; a handler that
 * does not heed the signal runs on, but nothing that it does counts any more. Beside the job's own timeout, which the worker keeps by itself.
 * Inside a retry it ends the retries too: the signal of an execution aborts once.
 * @throws {OJSValidationError} for a limit that is no positive duration.
 */
export function timeoutMiddleware(limit: { seconds: number } | Duration): ExecutionMiddleware {
  if (typeof limit === 'object') known(limit, { seconds: true }, 'limit');
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
      // What the handler does after its time was up concerns nobody.
      work.catch(() => {});
      return await Promise.race([work, over]);
    } finally {
      clearTimeout(timer);
    }
  };
}
