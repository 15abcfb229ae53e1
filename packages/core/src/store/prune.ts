import type { State } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';

/** Removes what is older than `before`, or beyond the newest `keep`. */
export interface KeepRule {
  readonly before: Millis;
  readonly keep: number;
}

export interface JobRule extends KeepRule {
  readonly state: State;
  readonly deadLetter: boolean;
}

/** The rules of what to remove. A kind without a rule is not looked at. */
export interface PruneRules {
  /** Finished jobs of a state. Jobs in the dead letter count as a state of their own. */
  readonly jobs: readonly JobRule[];
  readonly events?: KeepRule;
  /** Ended workflows, with their nodes. One is kept while a job of it may still run, and read its parents' results. */
  readonly workflows?: KeepRule;
  readonly statisticsBefore?: Millis;
  readonly requestsBefore?: Millis;
  readonly workersBefore?: Millis;
  /**
   * Limit keys that no job names, no operator overrides, and under which no job came or started since. The key of a
   * whole queue is removed with the queue.
   */
  readonly limitsBefore?: Millis;
}

export type PruneKind = Exclude<keyof PruneRules, 'jobs'>;

/** The jobs that one rule has removed. */
export interface PrunedJobs {
  readonly gone: number;
  /** The part of these beyond `keep` that was not older than `before`. */
  readonly overCap: number;
  /** Jobs beyond `keep` that are left. */
  readonly surplus: number;
  /** When the last of the removed jobs had ended; null where none was removed. */
  readonly lastAt: Millis | null;
}

export interface Pruned {
  /** By rule of `PruneRules.jobs`. */
  readonly jobs: readonly PrunedJobs[];
  /** Removed things of the other kinds; 0 where a kind had no rule. */
  readonly others: Readonly<Record<PruneKind, number>>;
}
