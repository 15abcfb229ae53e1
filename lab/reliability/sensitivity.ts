import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { passedWith, storageOf } from '../bugs/src/hunt.ts';
import { recordLoad } from '../chaos/src/power/recording.ts';
import { replay } from '../chaos/src/power/replay.ts';
import type { Finding } from './figures.ts';
import type { PlantedBug } from './planted.ts';
import { simulate } from './simulation.ts';

/** Of the world of a seed, in milliseconds: a third of the usual length finds a bug three times as often a minute. */
const chaosMs = '20000';

type Found = Pick<Finding, 'found' | 'after'>;

/** Hunts a bug for at most `tries` seeds or losses of power. What the simulation misses, the cases are asked for. */
export async function hunt(bug: PlantedBug, tries: number): Promise<Finding> {
  const { name, breaks, instrument } = bug;
  const found = await hunters[instrument](bug, tries);
  const instead = found.found === null && bug.table === 'cases' ? (await byCases(bug)).found : null;
  return { name, breaks, instrument, ...found, instead };
}

const hunters = {
  simulation: (bug, tries) => bySimulation(bug, 'memory:', tries),
  'simulation on SQLite': (bug, tries) => bySimulation(bug, 'sqlite:', tries),
  'loss of power': byLosses,
  'conformance cases': byCases,
} satisfies Readonly<Record<PlantedBug['instrument'], (bug: PlantedBug, tries: number) => Promise<Found>>>;

async function bySimulation({ table, name }: PlantedBug, storage: string, tries: number): Promise<Found> {
  const planted = ['--bug', `${table}/${name}`];
  const world = ['--storage', storage, '--chaos-ms', chaosMs];
  for (let first = 1; first <= tries; first++) {
    const left = String(tries - first + 1);
    const run = await simulate(...planted, ...world, '--seed', String(first), '--seeds', left, '--until-failure');
    const rule = run.seeds.at(-1)?.problems[0]?.rule;
    if (rule === undefined && run.crash !== null) return { found: 'crash', after: first + run.seeds.length };
    if (rule === undefined) break;
    first += run.seeds.length - 1;
    // A seed that also fails without the bug has found another one.
    const { seeds } = await simulate(...world, '--seed', String(first));
    if (seeds.every(({ problems }) => problems.length === 0)) return { found: rule, after: first };
  }
  return { found: null, after: tries };
}

async function byLosses({ name }: PlantedBug, tries: number): Promise<Found> {
  const directory = mkdtempSync(join(tmpdir(), 'ojs-planted-'));
  try {
    const records = recordLoad(directory, { pieces: 300, seed: 1, bug: name });
    for (let seed = 1; seed <= tries; seed++) {
      const [first] = (await replay(records, { losses: 1, seed })).failed;
      // The rule, or `damaged`.
      if (first !== undefined) return { found: first.errors[0]?.split(/[ :]/)[0] ?? null, after: seed };
    }
    return { found: null, after: tries };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function byCases({ name, breaks }: PlantedBug): Promise<Found> {
  const cases = breaks.split(' ');
  const passed = (await passedWith([name], `${storageOf(name)}:`)).get(name) ?? [];
  const index = cases.findIndex((id) => !passed.includes(id));
  return index < 0 ? { found: null, after: cases.length } : { found: cases[index] ?? null, after: index + 1 };
}
