// npm run bench:peers: ours and plainjob, the same work on the same disk, in turns.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runChild } from './child.ts';
import { describeMachine, machine } from './machine.ts';
import { readOptions, UsageError, usage } from './options.ts';
import { type Figure, figureOf, jobsOf, type RunOptions, runOurs } from './run.ts';
import { median } from './statistics.ts';
import { freshStore } from './store.ts';
import { latenciesOf, latencyTable, ms, rateOf, rateTable, type Series, table } from './table.ts';
import { labelOf, type Scenario } from './task.ts';
import { ourRetention } from './terms.ts';

const folder = fileURLToPath(new URL('../peers', import.meta.url));
const plainjobEntry = fileURLToPath(new URL('../peers/plainjob.ts', import.meta.url));

interface Contestant {
  readonly who: string;
  run(scenario: Scenario, options: RunOptions): Promise<Figure>;
}

/** What the design asks for at concurrency 100, as multiples of plainjob's jobs/s in the same run. */
const drainTargets = { embedded: 3, http: 2 } as const;
const pickupTargetMs = 10;

/** A lock file of their own: an ordinary install of the project brings no native module. */
function install(): void {
  const lock = readFileSync(`${folder}/package-lock.json`, 'utf8');
  const installed = `${folder}/node_modules/.package-lock.json`;
  if (existsSync(installed) && versions(readFileSync(installed, 'utf8')) === versions(lock)) return;
  console.error('Installing the peers (once)…');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const [command, rest] = npm ? [process.execPath, [npm, ...args]] : ['npm', args];
  const { status } = spawnSync(command, rest, { cwd: folder, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('npm ci failed in bench/peers; the messages above say why');
}

/** The lock that npm leaves behind says more of each package than the one it installed from; the versions must agree. */
function versions(lock: string): string {
  const { packages }: { readonly packages: Readonly<Record<string, { readonly version?: string }>> } = JSON.parse(lock);
  const named = Object.entries(packages).filter(([path]) => path !== '');
  return JSON.stringify(named.map(([path, { version }]) => `${path} ${version}`).toSorted());
}

const contestants: readonly Contestant[] = [
  { who: 'embedded', run: (scenario, options) => runOurs(scenario, 'embedded', options) },
  { who: 'plainjob', run: runPlainjob },
  { who: 'http', run: (scenario, options) => runOurs(scenario, 'http', options) },
];

async function runPlainjob(scenario: Scenario, { storage, jobs, cpuProfile }: RunOptions): Promise<Figure> {
  await using store = await freshStore(storage);
  const task = { scenario, jobs: jobsOf(scenario, jobs), target: { storage: store.storage } };
  return figureOf(await runChild(plainjobEntry, task, cpuProfile === undefined ? {} : { cpuProfile }));
}

/** Every other round goes the other way round, so that none always has the warm or the worn disk. */
async function race(scenario: Scenario, options: RunOptions, among: readonly Contestant[], rounds: number): Promise<readonly Series[]> {
  const figures = new Map(among.map(({ who }): [string, Figure[]] => [who, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { who, run } of round % 2 === 0 ? among : among.toReversed()) figures.get(who)?.push(await run(scenario, options));
  }
  return among.map(({ who }) => ({ scenario: labelOf(scenario), who, figures: figures.get(who) ?? [] }));
}

/** Ours over plainjob's, of the medians. */
function ratioTable(all: readonly Series[]): string {
  const rows = all.flatMap((series) => {
    const peer = all.find((other) => other.who === 'plainjob' && other.scenario === series.scenario);
    if (peer === undefined || peer === series || series.figures[0]?.kind !== 'rate') return [];
    const ratio = rateOf(series) / rateOf(peer);
    return [[series.scenario, `${series.who} / plainjob`, ratio.toFixed(2), wanted(series, ratio)]];
  });
  return rows.length === 0 ? '' : table(['scenario', 'who', 'ratio', 'wanted'], rows);
}

function wanted({ scenario, who }: Series, ratio: number): string {
  if (scenario !== 'drain-100' || (who !== 'embedded' && who !== 'http')) return '';
  return verdict(`at least ${drainTargets[who]}`, ratio >= drainTargets[who]);
}

function pickupVerdicts(all: readonly Series[]): string {
  return all
    .filter(({ who, figures }) => who !== 'plainjob' && figures[0]?.kind === 'latency')
    .map((series) => {
      const p99 = median(latenciesOf(series).map((figure) => figure.p99));
      return `pickup ${series.who}: p99 ${ms(p99)} ms, wanted ${verdict(`under ${pickupTargetMs} ms`, p99 < pickupTargetMs)}`;
    })
    .join('\n');
}

function verdict(target: string, met: boolean): string {
  return `${target}: ${met ? 'met' : 'MISSED'}`;
}

function terms(all: readonly Series[]): string {
  const durability = (who: string) => all.find((series) => series.who === who)?.figures[0]?.durability ?? 'not run';
  return [
    `ours:     ${durability(all.find(({ who }) => who !== 'plainjob')?.who ?? '')}`,
    `          keeps ${ourRetention()}`,
    `plainjob: ${durability('plainjob')}; no fence, no events, no statistics`,
    '          keeps done jobs 7 days, failed ones 30 (its defaults)',
  ].join('\n');
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (!options.storage.startsWith('sqlite:'))
    throw new UsageError('--storage: plainjob is an SQLite queue; expected sqlite: or sqlite:PATH');
  install();
  const facts = machine();
  if (!options.json) console.log(describeMachine(facts));
  const among = contestants.filter(({ who }) => who === 'plainjob' || options.modes.some((mode) => mode === who));
  const all: Series[] = [];
  for (const scenario of options.scenarios) all.push(...(await race(scenario, options, among, options.runs)));

  if (options.json) {
    const { storage, jobs, runs } = options;
    console.log(JSON.stringify({ machine: facts, storage, jobs, runs, retention: ourRetention(), series: all }, null, 2));
    return;
  }
  console.log(terms(all));
  console.log(
    `${options.jobs.toLocaleString('en-US')} jobs a run, each of about 300 bytes; medians of ${options.runs} rounds, every other one in reverse order\n`,
  );
  console.log([rateTable(all), latencyTable(all), ratioTable(all), pickupVerdicts(all)].filter((text) => text !== '').join('\n\n'));
}

try {
  await main();
} catch (error) {
  if (error instanceof UsageError) console.error(`bench:peers: ${error.message}\n\n${usage}`);
  else console.error(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
