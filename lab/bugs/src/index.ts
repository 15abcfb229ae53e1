import { didYouMean } from '../../../packages/core/src/suggestion.ts';
import type { Bugs, CaseBugs } from './bugs.ts';
import type { Plant } from './plant.ts';

/** By what finds their bugs. */
const tables = {
  /** The conformance cases that each bug names. */
  cases: caseBugs,
  simulation: async () => (await import('./tables/simulation.ts')).simulation,
  /** Losses of power. */
  power: async () => (await import('./tables/power.ts')).power,
};

export type TableName = keyof typeof tables;

/** The bugs that conformance cases find. */
export async function caseBugs(): Promise<CaseBugs> {
  const [{ requests }, { jobs }, { crons }, { workflows }, { limits }, { steps }, { storages }] = await Promise.all([
    import('./tables/requests.ts'),
    import('./tables/jobs.ts'),
    import('./tables/crons.ts'),
    import('./tables/workflows.ts'),
    import('./tables/limits.ts'),
    import('./tables/steps.ts'),
    import('./tables/storages.ts'),
  ]);
  return { ...requests, ...jobs, ...crons, ...workflows, ...limits, ...steps, ...storages };
}

/** What each bug of a table breaks, by name. */
export function bugsOf(table: TableName): Promise<Bugs> {
  return tables[table]();
}

/** Every bug, as `TABLE/NAME`. */
export async function allBugs(): Promise<ReadonlyMap<string, Plant>> {
  const all = await Promise.all(
    Object.entries(tables).map(async ([table, load]) =>
      Object.entries(await load()).map(([name, [, plant]]) => [`${table}/${name}`, plant] as const),
    ),
  );
  return new Map(all.flat());
}

/** @throws Error for an unknown name. */
export async function findBug(bug: string): Promise<Plant> {
  const [table = '', name = ''] = bug.split('/');
  const load = Object.entries(tables).find(([one]) => one === table)?.[1];
  if (load === undefined)
    throw new Error(`${bug} is in no table of bugs; expected one of ${Object.keys(tables).join(', ')}.`);
  const bugs = await load();
  const plant = bugs[name]?.[1];
  if (plant === undefined) throw new Error(`${bug} is no bug.${didYouMean(name, Object.keys(bugs))}`);
  return plant;
}
