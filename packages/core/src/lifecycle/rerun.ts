import { fixedArgs } from '../durable/marks.ts';
import { hasSteps } from '../durable/row.ts';
import type { JobRecord, Json, RetryPolicy, Transition } from '../job/job.ts';
import { State } from '../job/states.ts';
import { members, objectText } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { conflict, policyOf, retried } from './decide.ts';
import { merged, mergedRetry } from './job-changes.ts';
import { retryPolicy } from './retry.ts';

/** The changes that a manual retry may make (ojs-dead-letter §6.3). Texts are JSON. */
export interface RerunOverride {
  /** Replaces the args. */
  readonly args?: Json;
  /** Its members replace those of the same names. */
  readonly meta?: Json;
  readonly queue?: string;
  /** Its members replace those of the same names; checked already. */
  readonly retry?: { readonly text: Json; readonly policy: Partial<RetryPolicy> };
}

/** {@link retried} with the changes of the override. */
export function retriedWith(job: JobRecord, override: RerunOverride, now: Millis, key?: string): Transition {
  const { args, meta, queue, retry } = override;
  const transition = retried(job, now, key);
  if (args !== undefined && hasSteps(job)) throw fixedArgs(job);
  if ((args ?? meta ?? queue ?? retry) === undefined) return transition;
  const envelope = new Map(members(job.envelope));
  if (args !== undefined) envelope.set('args', args);
  if (meta !== undefined) envelope.set('meta', merged(envelope.get('meta') ?? '{}', meta));
  if (queue !== undefined) envelope.set('queue', JSON.stringify(queue));
  if (retry === undefined)
    return { ...transition, ...(queue !== undefined && { queue }), envelope: objectText(envelope) };
  const current = policyOf({ policy: transition.policy ?? job.policy });
  const policy = { ...current, retry: { ...current.retry, ...retry.policy } };
  envelope.set('retry', mergedRetry(envelope.get('retry'), retry.text));
  envelope.set('max_attempts', String(retryPolicy(policy.retry).maxAttempts));
  return {
    ...transition,
    ...(queue !== undefined && { queue }),
    envelope: objectText(envelope),
    policy: JSON.stringify(policy),
  };
}

/**
 * A retry by hand of a failed job (ojs-bulk-operations §7): a discarded job starts a new round of attempts, a retryable
 * one skips the rest of its backoff and keeps its attempts. Throws `conflict` for any other.
 */
export function rerun(job: JobRecord, now: Millis, key?: string): Transition {
  if (job.state === State.discarded) return retried(job, now, key);
  if (job.state !== State.retryable) throw conflict(job, State.discarded | State.retryable);
  return { id: job.id, from: State.retryable, claim: job.claim, to: State.available, runAt: now, events: [] };
}
