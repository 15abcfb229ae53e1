import type { CallSettings, End, Outcome, Recovery, RetryRules } from './attempts.ts';
import { backoffMs } from './backoff.ts';
import { isOwn } from './enqueue/own.ts';
import type { ErrorContext, OJSAPIError, OJSError } from './errors.ts';
import { asFound, getCall } from './jobs.ts';

/** One attempt that is to be made now, after a pause. */
export interface Attempt {
  readonly context: ErrorContext;
  readonly pauseMs: number;
}

/**
 * The attempts of a call (no answer, 429, 500, 502, 503, 504 are tried again, within the deadline), apart from how they are made.
 * @param remaining milliseconds until the deadline.
 * @param failures grows by what every attempt met.
 */
export function* attempts(
  about: ErrorContext,
  settings: CallSettings,
  rules: RetryRules,
  remaining: () => number,
  failures: OJSError[],
): Generator<Attempt, End, Outcome> {
  let uncertain = settings.uncertain ?? false;
  let pauseMs = 0;
  for (;;) {
    const outcome: Outcome = yield { context: { ...about, attempt: failures.length + 1 }, pauseMs };
    if ('body' in outcome) return outcome;
    if (outcome.final || ('api' in outcome && settings.isFinal?.(outcome.api))) {
      return {
        error: outcome.error,
        recovery: uncertain && 'api' in outcome ? recoveryOf(settings, outcome.api) : null,
      };
    }
    failures.push(outcome.error);
    uncertain ||= !('api' in outcome) || outcome.api.statusCode !== 429;
    const pause = pauseAfter(failures.length, rules);
    pauseMs = outcome.waitMs ?? pause ?? 0;
    if (pause === null || pauseMs >= remaining()) return { error: outcome.error, recovery: null };
    settings.repeating?.(uncertain);
  }
}

function recoveryOf({ jobId, recover }: CallSettings, error: OJSAPIError): Recovery | null {
  if (jobId !== undefined && isOwn(error, [jobId])) return asFound(getCall(jobId));
  return recover?.(error) ?? null;
}

/** Milliseconds to wait after so many failures; null where there are to be no more attempts. */
export function pauseAfter(failures: number, rules: RetryRules): number | null {
  return failures > rules.max ? null : backoffMs(failures, rules.minMs, rules.maxMs);
}

/** Errors that pass by themselves. A paused queue does too, but only when an operator acts. */
export function isPassing(error: OJSAPIError): boolean {
  return isPassingStatus(error.statusCode) && error.code !== 'queue_paused';
}

export function isPassingStatus(status: number): boolean {
  return [429, 500, 502, 503, 504].includes(status);
}
