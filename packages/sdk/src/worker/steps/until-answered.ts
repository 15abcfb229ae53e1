import { OJSConnectionError, OJSTimeoutError } from '../../errors.ts';
import type { LeasedJob } from '../leases/leased-job.ts';

/** Repeats a call without an answer for as long as the job is this worker's. Never settles afterwards. */
export async function untilAnswered<T>(leased: LeasedJob, call: () => Promise<T>): Promise<T> {
  while (!leased.aborted) {
    try {
      return await call();
    } catch (error) {
      const hasNoAnswer = error instanceof OJSConnectionError || error instanceof OJSTimeoutError;
      if (!hasNoAnswer && !leased.aborted) throw error;
    }
  }
  return new Promise(() => {});
}
