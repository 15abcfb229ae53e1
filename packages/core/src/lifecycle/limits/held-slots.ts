/**
 * The state of the worker of a job.
 * - `alive`: it sends heartbeats, or fetches.
 * - `dead`: its heartbeats stopped, so upkeep takes its jobs back.
 * - `silent`: it has sent no heartbeat ever, and fetches no more. The job may still run.
 * - `unknown`: there is no such worker on record.
 */
export type WorkerHealth = 'alive' | 'dead' | 'silent' | 'unknown';

/** An active job, which holds a slot of every limit that it names. */
export interface SlotHolder {
  readonly id: string;
  readonly worker_id: string;
  readonly worker: WorkerHealth;
}

/** How the slots of a limit become free. */
export interface FreeingPlan {
  /** Workers to remove: all of their jobs go back. */
  readonly removed: readonly string[];
  /** Jobs to cancel: their workers are alive, or not on record. */
  readonly cancelled: readonly string[];
}

/** @param force also frees slots whose workers may live. */
export function planFreeing(holders: readonly SlotHolder[], force: boolean): FreeingPlan {
  const freed = holders.filter(({ worker }) => force || worker === 'dead');
  const isRemoved = ({ worker }: SlotHolder) => worker === 'dead' || worker === 'silent';
  return {
    removed: [...new Set(freed.filter(isRemoved).map(({ worker_id }) => worker_id))],
    cancelled: freed.filter((holder) => !isRemoved(holder)).map(({ id }) => id),
  };
}
