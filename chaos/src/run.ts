import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '@ojs-ts/sdk';
import { check, read, type Verdict } from '../../packages/checker/src/index.ts';
import { canFakeTime, clockOff } from '../../packages/cli/test/support/faked-time.ts';
import { openStorage } from '../../packages/server/src/storage/open.ts';
import { recordEnd } from '../../packages/simulation/src/history/final.ts';
import { silent } from '../../packages/simulation/src/nodes/silent.ts';
import { Cluster } from './cluster.ts';
import { spoil } from './faults.ts';
import { HistoryFile } from './history-file.ts';
import { Chance } from './random.ts';
import { type StoreName, startStore } from './stores.ts';

export interface RunOptions {
  readonly storage: StoreName;
  readonly minutes: number;
  readonly seed: number;
  /** Pieces of work a second. */
  readonly rate: number;
}

export interface RunResult {
  readonly verdict: Verdict;
  /** How often each fault was done. */
  readonly faults: Readonly<Record<string, number>>;
  /** The history; it is kept where the verdict has violations. */
  readonly file: string;
}

/** How long everything may take to end once the faults are over. */
const calmMs = 120_000;
/** Servers on a store with a clock of its own may be wrong by as much as they like. */
const skewSeconds = 200;

/** Works on a store while everything around it fails, waits for calm, and has the history judged. */
export async function run({ storage, minutes, seed, rate }: RunOptions): Promise<RunResult> {
  const directory = mkdtempSync(join(tmpdir(), `ojs-chaos-${storage}-`));
  const file = join(directory, 'history.ndjson');
  const end = join(directory, 'end.ndjson');
  const history = new HistoryFile(end, 'observer');
  const chance = new Chance(seed);
  await using ending = new AsyncDisposableStack();
  const store = ending.use(await startStore(storage, directory));
  const isSkewed = storage !== 'sqlite' && (await canFakeTime());
  const env = [1, -1].map((sign) => (isSkewed ? clockOff(sign * skewSeconds) : {}));
  const cluster = ending.use(await Cluster.start(store, directory, { seed, rate, env }));
  const faults = await spoil({ cluster, store, chance, history }, minutes * 60_000);
  history.add('calm');
  await Promise.all(cluster.clients.map(({ process }) => process.stop(20_000)));
  await drain(cluster);
  await Promise.all(cluster.workers.map(({ process }) => process.stop(20_000)));
  const { histories } = cluster;
  await cluster[Symbol.asyncDispose]();
  {
    await using opened = await openStorage(store.direct);
    const add = (kind: string, members: object) => history.add(kind, members);
    await recordEnd(opened, { add, timeIsRightAt: 0 });
  }
  const lines = [...histories, end].flatMap(linesOf).sort((left, right) => left.at - right.at);
  writeFileSync(file, lines.map(({ text }) => `${text}\n`).join(''));
  const verdict = check(read(lines.map(({ text }) => text)));
  await ending.disposeAsync();
  if (verdict.violations.length === 0) rmSync(directory, { recursive: true, force: true });
  return { verdict, faults: { ...faults, ...(isSkewed && { 'clocks wrong': 2 }) }, file };
}

/** The lines of a process, by time; a kill may have cut the last one. */
function linesOf(path: string): { readonly at: number; readonly text: string }[] {
  return readFileSync(path, { encoding: 'utf8', flag: 'a+' })
    .split('\n')
    .flatMap((text) => (text.endsWith('}') ? [{ at: Number(/^\{"at":([\d.]+)/.exec(text)?.[1]), text }] : []));
}

/** Resolves when nothing is left to do, or no more than `calmMs` have passed: then the judge says what is stuck. */
async function drain({ hops }: Cluster): Promise<void> {
  await using client = new Client(hops[0]?.url ?? '', { logger: silent });
  const until = performance.now() + calmMs;
  while (performance.now() < until) {
    const left = await Promise.all(
      ['plain', 'flow'].map((queue) => client.queueStats(queue).then(unfinished, () => Number.NaN)),
    );
    if (left.every((count) => count === 0)) return;
    await pause(200);
  }
}

function unfinished(stats: Record<'available' | 'active' | 'scheduled' | 'retryable', number>): number {
  return stats.available + stats.active + stats.scheduled + stats.retryable;
}
