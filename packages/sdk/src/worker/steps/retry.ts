import { allowedAttempts, isNonRetryable, readRetry, retryDelay, retryPolicy } from '@ojs-ts/core/lifecycle';
import type { RetryPolicy } from '../../job/policies.ts';
import { wireRetry } from '../../job/wire.ts';
import type { GiveBack } from '../execution/outcome.ts';

/** How often a step is tried, and when again. */
export interface StepRetry {
  /** Milliseconds until the next try, after `tries` have ended; null if that was the last one. */
  delayAfter(tries: number, giveBack: GiveBack): number | null;
}

/**
 * @param ofJob the retry policy in the envelope of the job.
 * @param own that of the step. Its fields replace those of the job.
 * @throws {OJSValidationError} for a wrong policy of the step.
 */
export function stepRetry(ofJob: unknown, own: RetryPolicy | false | undefined): StepRetry {
  if (own === false) return { delayAfter: () => null };
  const base = ofJob === undefined ? { policy: {} } : readRetry(ofJob, 'retry');
  const changes = own === undefined ? { policy: {} } : readRetry(wireRetry(own), 'retry');
  const policy = retryPolicy({ ...('policy' in base && base.policy), ...('policy' in changes && changes.policy) });
  return {
    delayAfter(tries, { failure, requeue, delayMs }) {
      if (tries >= allowedAttempts(policy)) return null;
      if (failure.retryable === false && requeue !== true) return null;
      if (isNonRetryable(policy, [failure.type, failure.code])) return null;
      return delayMs ?? retryDelay(policy, tries, Math.random);
    },
  };
}
