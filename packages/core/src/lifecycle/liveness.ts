import type { JobId } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';

/** A claim of a running job, as the liveness rules see it. */
export interface HeldClaim {
  readonly id: JobId;
  readonly claim: number;
  readonly worker: string;
  readonly startedAt: Millis;
}

/**
 * The content of a worker's last two heartbeats; id lists are null if the heartbeat only counted. They have the jobs of
 * the fetches too whose answers the worker still waits for.
 */
export interface WorkerSigns {
  readonly seenAt: Millis;
  /** When the first of them came; earlier where the second was built before it knew of claims until then. */
  readonly seenBefore: Millis | null;
  readonly holds: readonly JobId[] | null;
  readonly heldBefore: readonly JobId[] | null;
}

/** A worker that sent a heartbeat and then none for this long is dead (ojs-worker-protocol §10.1). */
export const defaultDeadAfterMs = 30_000;

/**
 * When a worker is dead that was seen last at `seenAt`. The silence counts from `since` at the earliest, when this
 * server began to listen, or a restart of the server would kill all workers.
 */
export function deadAt(seenAt: Millis, since: Millis, deadAfterMs: number): Millis {
  return Math.max(seenAt, since) + deadAfterMs;
}

/** A fetch never counts as lost before. */
const minForgottenMs = 2_000;

/**
 * Decides whether a worker still runs the job of a claim (ojs-worker-protocol §10).
 * - `dead`: by {@link deadAt}. A worker that never sent a heartbeat is not dead.
 * - `forgotten`: its worker lives, but two heartbeats in a row do not list the job, and the claim is older than
 *   `seenBefore`: the answer to its FETCH was lost, or is slower than both (not for workers that name their open
 *   fetches).
 */
export function liveness(
  held: HeldClaim,
  worker: WorkerSigns | null,
  now: Millis,
  since: Millis,
  deadAfterMs: number = defaultDeadAfterMs,
): 'alive' | 'dead' | 'forgotten' {
  if (worker === null) return 'alive';
  // A claim is a sign of life too: a worker that was silent may be back since its record was read.
  if (now >= deadAt(Math.max(worker.seenAt, held.startedAt), since, deadAfterMs)) return 'dead';
  const { seenBefore, holds, heldBefore } = worker;
  if (seenBefore === null || holds === null || heldBefore === null) return 'alive';
  // A busy worker may take so long to read an answer and to list its jobs, however often it sends heartbeats.
  if (now - held.startedAt < minForgottenMs) return 'alive';
  return held.startedAt < seenBefore && !holds.includes(held.id) && !heldBefore.includes(held.id)
    ? 'forgotten'
    : 'alive';
}
