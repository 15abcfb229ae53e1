import type { Millis, State } from '@ojs-ts/core';

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
  /** Ended workflows, with their nodes. */
  readonly workflows?: KeepRule;
  readonly statisticsBefore?: Millis;
  /** Entries of the audit log by the time in their ids. It keeps at least one. */
  readonly audit?: KeepRule;
  readonly requestsBefore?: Millis;
  readonly workersBefore?: Millis;
  /**
   * Limit keys that no job names, no operator overrides, and under which no job came or started since. The key of a
   * whole queue is removed with the queue.
   */
  readonly limitsBefore?: Millis;
}

export const pruneKinds = [
  'events',
  'workflows',
  'statisticsBefore',
  'audit',
  'requestsBefore',
  'workersBefore',
  'limitsBefore',
] as const satisfies readonly (keyof PruneRules)[];
export type PruneKind = (typeof pruneKinds)[number];

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

export const noJobs: PrunedJobs = { gone: 0, overCap: 0, surplus: 0, lastAt: null };
export const noOthers: Pruned['others'] = {
  events: 0,
  workflows: 0,
  statisticsBefore: 0,
  audit: 0,
  requestsBefore: 0,
  workersBefore: 0,
  limitsBefore: 0,
};

/** How many things are gone in all. */
export function goneOf({ jobs, others }: Pruned): number {
  return jobs.reduce(
    (sum, { gone }) => sum + gone,
    Object.values(others).reduce((sum, count) => sum + count, 0),
  );
}

/** The sum of what several stores have removed by the same rules. */
export function sumOf(parts: readonly Pruned[]): Pruned {
  return parts.reduce((sum, part) => ({
    jobs: sum.jobs.map((one, index) => addJobs(one, part.jobs[index] ?? noJobs)),
    others: {
      events: sum.others.events + part.others.events,
      workflows: sum.others.workflows + part.others.workflows,
      statisticsBefore: sum.others.statisticsBefore + part.others.statisticsBefore,
      audit: sum.others.audit + part.others.audit,
      requestsBefore: sum.others.requestsBefore + part.others.requestsBefore,
      workersBefore: sum.others.workersBefore + part.others.workersBefore,
      limitsBefore: sum.others.limitsBefore + part.others.limitsBefore,
    },
  }));
}

function addJobs(one: PrunedJobs, other: PrunedJobs): PrunedJobs {
  return {
    gone: one.gone + other.gone,
    overCap: one.overCap + other.overCap,
    surplus: one.surplus + other.surplus,
    lastAt: one.lastAt === null ? other.lastAt : Math.max(one.lastAt, other.lastAt ?? one.lastAt),
  };
}
