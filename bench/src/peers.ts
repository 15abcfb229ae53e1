// npm run bench:peers: ours and other queues on the same database, the same work, in turns.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { command, UsageError } from './arguments.ts';
import { runChild } from './child.ts';
import { type PeerTerms, peers, pickupTargetMs, targets } from './contestants.ts';
import { describeMachine, machine } from './machine.ts';
import { type Options, readOptions, usage } from './options.ts';
import { alternate } from './rounds.ts';
import { type Figure, figureOf, jobsOf, type RunOptions, runOurs } from './run.ts';
import { median } from './statistics.ts';
import { freshStore, kindOf, memoryWarning } from './store.ts';
import { latenciesOf, latencyTable, ms, rateOf, rateTable, type Series, table, verdict } from './table.ts';
import { labelOf, type Scenario } from './task.ts';
import { ourRetention } from './terms.ts';

const folder = fileURLToPath(new URL('../peers', import.meta.url));

/** A lock file of their own: an ordinary install of the project brings no native module. */
function install(): void {
  const lock = readFileSync(`${folder}/package-lock.json`, 'utf8');
  const installed = `${folder}/node_modules/.package-lock.json`;
  if (existsSync(installed) && versions(readFileSync(installed, 'utf8')) === versions(lock)) return;
  console.error('Installing the peers (once)…');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const [program, rest] = npm ? [process.execPath, [npm, ...args]] : ['npm', args];
  const { status } = spawnSync(program, rest, { cwd: folder, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('npm ci failed in bench/peers; the messages above say why');
}

/**
 * The lock that npm leaves behind says more of each package than the one it installed from, and leaves out those for
 * other systems; the versions of what is there must agree.
 */
function versions(lock: string): string {
  const {
    packages,
  }: { readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>> } =
    JSON.parse(lock);
  const named = Object.entries(packages).filter(([path, { optional }]) => path !== '' && optional !== true);
  return JSON.stringify(named.map(([path, { version }]) => `${path} ${version}`).toSorted());
}

async function runPeer(
  { entry }: PeerTerms,
  scenario: Scenario,
  { storage, jobs, cpuProfile }: RunOptions,
): Promise<Figure> {
  await using store = await freshStore(storage);
  const task = { scenario, jobs: jobsOf(scenario, jobs), target: { storage: store.storage } };
  return figureOf(await runChild(entry, task, cpuProfile === undefined ? {} : { cpuProfile }), store.settings);
}

async function race(scenario: Scenario, options: Options, among: readonly PeerTerms[]): Promise<readonly Series[]> {
  const contestants = [
    ...options.modes.map((mode) => ({ who: mode, run: () => runOurs(scenario, mode, options) })),
    ...among.map((terms) => ({
      who: terms.who,
      run: () => runPeer(terms, scenario, { ...options, storage: options.peerStorage }),
    })),
  ];
  const series = await alternate(contestants, options.runs);
  return series.map(({ who, answers }) => ({ scenario: labelOf(scenario), who, figures: answers }));
}

/** Ours over each peer's, of the medians. */
function ratioTable(all: readonly Series[], among: readonly PeerTerms[]): string {
  const rates = all.filter(({ figures }) => figures[0]?.kind === 'rate');
  const theirs = rates.filter(({ who }) => among.some((terms) => terms.who === who));
  const rows = rates
    .filter((series) => !theirs.includes(series))
    .flatMap((ours) =>
      theirs.filter(({ scenario }) => scenario === ours.scenario).map((their) => ratioRow(ours, their)),
    );
  return rows.length === 0 ? '' : table(['scenario', 'who', 'ratio', 'wanted'], rows);
}

function ratioRow(ours: Series, their: Series): readonly string[] {
  const ratio = rateOf(ours) / rateOf(their);
  const target = targets.find(
    ({ scenario, who, peer }) => scenario === ours.scenario && who === ours.who && peer === their.who,
  );
  const wanted = target === undefined ? '' : verdict(`at least ${target.least}`, ratio >= target.least);
  return [ours.scenario, `${ours.who} / ${their.who}`, ratio.toFixed(2), wanted];
}

function pickupVerdicts(all: readonly Series[], modes: readonly string[]): string {
  return all
    .filter(({ who, figures }) => modes.includes(who) && figures[0]?.kind === 'latency')
    .map((series) => {
      const p99 = median(latenciesOf(series).map((figure) => figure.p99));
      return `pickup ${series.who}: p99 ${ms(p99)} ms, wanted ${verdict(`under ${pickupTargetMs} ms`, p99 < pickupTargetMs)}`;
    })
    .join('\n');
}

function termsOf(all: readonly Series[], among: readonly PeerTerms[], modes: readonly string[]): string {
  const durability = (who: string | undefined) =>
    all.find((series) => series.who === who)?.figures[0]?.durability ?? 'not run';
  return [
    `ours: ${durability(modes[0])}\n  keeps ${ourRetention()}`,
    ...among.map(({ who, retention, setUp }) => `${who}: ${durability(who)}\n  keeps ${retention}; ${setUp}`),
  ].join('\n');
}

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const among = peers[kindOf(options.peerStorage) ?? 'memory'];
  if (among.length === 0)
    throw new UsageError('--peer-storage: no peer works in memory; expected sqlite:, postgres://… or redis://…');
  install();
  const facts = machine();
  if (!options.json) console.log([describeMachine(facts), memoryWarning(options.storage)].filter(Boolean).join('\n'));
  const all: Series[] = [];
  for (const scenario of options.scenarios) all.push(...(await race(scenario, options, among)));

  const { storage, peerStorage, jobs, runs } = options;
  if (options.json)
    return console.log(
      JSON.stringify(
        { machine: facts, storage, peerStorage, jobs, runs, retention: ourRetention(), series: all },
        null,
        2,
      ),
    );
  console.log(termsOf(all, among, options.modes));
  console.log(
    `${jobs.toLocaleString('en-US')} jobs a run, each of about 300 bytes; medians of ${runs} rounds, every other one in reverse order\n`,
  );
  const parts = [rateTable(all), latencyTable(all), ratioTable(all, among), pickupVerdicts(all, options.modes)];
  console.log(parts.filter((text) => text !== '').join('\n\n'));
}

await command('bench:peers', usage, main);
