import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordLoad } from '../chaos/src/power/recording.ts';
import { replay } from '../chaos/src/power/replay.ts';
import { run } from '../chaos/src/run.ts';
import type { StoreName } from '../chaos/src/stores.ts';
import type { ChaosRun, Figures, Finding, LossRun, PlantedRun, SimulationRun } from './figures.ts';
import { plantedBugs } from './planted.ts';
import { hunt } from './sensitivity.ts';
import { simulate } from './simulation.ts';

export type InstrumentName = keyof Figures;

/** Runs an instrument at a share of its full size: 1 is what `lab/docs/reliability.md` promises. */
export const instruments = {
  'simulation on memory': (share) => simulation('memory:', sized(6_000, share)),
  'simulation on SQLite': (share) => simulation('sqlite:', sized(1_500, share)),
  'chaos on SQLite': (share) => chaos('sqlite', 20 * share),
  'chaos on PostgreSQL': (share) => chaos('postgres', 20 * share),
  'chaos on Redis': (share) => chaos('redis', 20 * share),
  'loss of power': (share) => losses(sized(2_000, share)),
  'planted bugs': (share) => planted(sized(500, share)),
} satisfies { readonly [Name in InstrumentName]-?: (share: number) => Promise<NonNullable<Figures[Name]>> };

function sized(count: number, share: number): number {
  return Math.max(1, Math.round(count * share));
}

async function simulation(storage: string, seeds: number): Promise<SimulationRun> {
  const jobs = String(availableParallelism());
  const args = ['--storage', storage, '--seeds', String(seeds), '--chaos-ms', '20000', '--jobs', jobs];
  const { seeds: done, crash } = await simulate(...args);
  if (crash !== null) throw new Error(`The simulation ended before its seeds: ${crash}`);
  const sum = (of: (one: (typeof done)[number]) => number) => done.reduce((total, one) => total + of(one), 0);
  return {
    ...about(`npm run simulate -- ${args.join(' ')}`),
    seeds: done.length,
    failed: done.filter(({ problems }) => problems.length > 0).map(({ seed }) => seed),
    hours: sum(({ simulatedMs }) => simulatedMs) / 3_600_000,
    jobs: sum(({ jobs }) => jobs),
    executions: sum(({ runs }) => runs),
  };
}

async function chaos(storage: StoreName, minutes: number): Promise<ChaosRun> {
  const rate = 100;
  const { verdict, faults, file } = await run({ storage, minutes, seed: 1, rate });
  const { jobs, records, violations } = verdict;
  for (const { rule, at, message } of violations.slice(0, 20)) console.log(`${rule} at ${at}: ${message} (${file})`);
  const command = `npm run chaos -- --storage ${storage} --minutes ${minutes} --seed 1 --rate ${rate}`;
  return { ...about(command), minutes, jobs, records, violations: violations.length, faults };
}

async function losses(count: number): Promise<LossRun> {
  const directory = mkdtempSync(join(tmpdir(), 'ojs-power-load-'));
  const records = recordLoad(directory, { pieces: 300, seed: 1 });
  rmSync(directory, { recursive: true, force: true });
  const { failed, judged, lostBytes } = await replay(records, { losses: count, seed: 1 });
  const command = `npm run power-loss -- --losses ${count}`;
  return { ...about(command), losses: count, failed: failed.length, jobs: judged, lostBytes };
}

async function planted(tries: number): Promise<PlantedRun> {
  const findings: Finding[] = [];
  for (const bug of await plantedBugs()) {
    const finding = await hunt(bug, tries);
    findings.push(finding);
    console.log(`${finding.name}: ${finding.found ?? 'not found'} after ${finding.after}`);
  }
  return { ...about('npm run reliability -- --only "planted bugs"'), tries, findings };
}

function about(command: string) {
  const commit = execFileSync('git', ['rev-parse', '--short=8', 'HEAD'], { encoding: 'utf8' }).trim();
  return { commit, day: new Date().toISOString().slice(0, 10), command };
}
