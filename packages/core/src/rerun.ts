import type { Millis } from './clock.ts';
import { conflict, retried } from './decide.ts';
import type { JobRecord, Json, Transition } from './job.ts';
import { members, objectText } from './json.ts';
import { State } from './states.ts';

/** What a manual retry may change (ojs-dead-letter §6.3). Texts are JSON. */
export interface RerunOverride {
  /** Replaces the args. */
  readonly args?: Json;
  /** Its members replace those of the same names. */
  readonly meta?: Json;
}

/** {@link retried} with other args or more meta. */
export function retriedWith(job: JobRecord, override: RerunOverride, now: Millis, key?: string): Transition {
  const { args, meta } = override;
  const transition = retried(job, now, key);
  if (args === undefined && meta === undefined) return transition;
  const envelope = new Map(members(job.envelope));
  if (args !== undefined) envelope.set('args', args);
  if (meta !== undefined) envelope.set('meta', objectText(new Map([...members(envelope.get('meta') ?? '{}'), ...members(meta)])));
  return { ...transition, envelope: objectText(envelope) };
}

/**
 * A retry by hand of what failed (ojs-bulk-operations §7, C-07): a discarded job starts a new round of attempts, a retryable one has the rest of its
 * backoff cut off and its attempts as they are. Throws `conflict` for any other.
 */
export function rerun(job: JobRecord, now: Millis, key?: string): Transition {
  if (job.state === State.discarded) return retried(job, now, key);
  if (job.state !== State.retryable) throw conflict(job, State.discarded | State.retryable);
  return { id: job.id, from: State.retryable, claim: job.claim, to: State.available, runAt: now, events: [] };
}
