import type { Pruned, PrunedJobs, PruneKind } from '@ojs-ts/core/memory';

export type { JobRule, KeepRule, Pruned, PrunedJobs, PruneKind, PruneRules } from '@ojs-ts/core/memory';

export const pruneKinds = [
  'events',
  'workflows',
  'statisticsBefore',
  'requestsBefore',
  'workersBefore',
  'limitsBefore',
] as const satisfies readonly PruneKind[];

export const noJobs: PrunedJobs = { gone: 0, overCap: 0, surplus: 0, lastAt: null };
export const noOthers: Pruned['others'] = {
  events: 0,
  workflows: 0,
  statisticsBefore: 0,
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
