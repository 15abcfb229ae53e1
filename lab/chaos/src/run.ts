import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '@ojs-ts/sdk';
import { openStorage } from '../../../packages/server/src/storage/open.ts';
import { check, read, type Verdict } from '../../checker/src/index.ts';
import { canFakeTime, clockOff } from '../../clocks/faked-time.ts';
import { recordEnd } from '../../simulation/src/history/final.ts';
import { silent } from '../../simulation/src/nodes/silent.ts';
import { Cluster } from './cluster.ts';
import { byHand, expectTicks, registerCrons } from './crons.ts';
import { spoil } from './faults.ts';
import { HistoryFile, now } from './history-file.ts';
import { Chance } from './random.ts';
import { type StoreName, startStore } from './stores.ts';
import { queues } from './work.ts';

export interface RunOptions {
  readonly storage: StoreName;
  readonly minutes: number;
  readonly seed: number;
  /** Pieces of work a second. */
  readonly rate: number;
  /** A file for the history. By default it is a temporary one, which is kept where the verdict has violations. */
  readonly history?: string | undefined;
}

/** What a minute of the run was like. */
export interface Minute {
  /** Calls that were answered, by servers that had not failed. */
  readonly answers: number;
  /** Of the larger server, in MB; null where the system does not tell. */
  readonly memory: number | null;
}

export interface RunResult {
  readonly verdict: Verdict;
  /** Calls of clients and workers. */
  readonly operations: number;
  /** How often each fault was done. */
  readonly faults: Readonly<Record<string, number>>;
  readonly minutes: readonly Minute[];
  readonly file: string;
}

/** How long everything may take to end once the faults are over. */
const calmMs = 120_000;
/** Servers on a store with a clock of its own may be wrong by as much as they like. */
const skewSeconds = 200;
/** PostgreSQL: another claim may have locked the job, for 2 s after its server is gone (idle_in_transaction). */
const orderJitterMs = 5_000;
/** The checker needs every job and event. */
const keepAll = { OJS_RETAIN_COUNT: '100000000', OJS_RETAIN_EVENTS_COUNT: '100000000' };

/** Works on a store while everything around it fails, waits for calm, and has the history judged. */
export async function run({ storage, minutes, seed, rate, history: kept }: RunOptions): Promise<RunResult> {
  const directory = mkdtempSync(join(tmpdir(), `ojs-chaos-${storage}-`));
  const file = kept ?? join(directory, 'history.ndjson');
  const end = join(directory, 'end.ndjson');
  const history = new HistoryFile(end, 'observer');
  const chance = new Chance(seed);
  await using ending = new AsyncDisposableStack();
  const store = ending.use(await startStore(storage, directory));
  const isSkewed = storage !== 'sqlite' && (await canFakeTime());
  const env = [1, -1].map((sign) => ({ ...keepAll, ...(isSkewed && clockOff(sign * skewSeconds)) }));
  if (storage === 'postgres') history.add('config', { orderJitterMs });
  const cluster = ending.use(await Cluster.start(store, directory, { seed, rate, env }));
  const client = ending.use(new Client(cluster.hops[0]?.url ?? '', { logger: silent }));
  await registerCrons(client);
  const from = now();
  const memory: (number | null)[] = [];
  const sample = () =>
    memory.push(cluster.servers.reduce((most, { process }) => Math.max(most, process.memory ?? 0), 0) || null);
  const sampling = setInterval(sample, 60_000);
  const faults = await spoil({ cluster, store, chance, history }, minutes * 60_000);
  clearInterval(sampling);
  sample();
  history.add('calm');
  await Promise.all(cluster.clients.map(({ process }) => process.stop(20_000)));
  await drain(client, ['plain', 'flow']);
  await expectTicks(client, history);
  await drain(client, queues);
  await Promise.all(cluster.workers.map(({ process }) => process.stop(20_000)));
  const { histories } = cluster;
  await cluster[Symbol.asyncDispose]();
  {
    await using opened = await openStorage(store.direct);
    const add = (kind: string, members: object) => history.add(kind, members);
    await recordEnd(opened, { add, timeIsRightAt: 0, byHand });
  }
  const lines = [...histories, end].flatMap(linesOf).sort((left, right) => left.at - right.at);
  const output = openSync(file, 'w');
  for (const { text } of lines) writeSync(output, `${text}\n`);
  closeSync(output);
  const verdict = check(read(lines.map(({ text }) => text)));
  await ending.disposeAsync();
  if (verdict.violations.length === 0) rmSync(directory, { recursive: true, force: true });
  const answers = memory.map(() => 0);
  for (const { at, text } of lines) {
    const minute = Math.floor((at - from) / 60_000);
    if (minute in answers && /"kind":"answer".*"outcome":"(done|refused)"/.test(text))
      answers[minute] = (answers[minute] ?? 0) + 1;
  }
  return {
    verdict,
    operations: lines.filter(({ text }) => text.includes('"kind":"call"')).length,
    faults: { ...faults, ...(isSkewed && { 'clocks wrong': env.length }) },
    minutes: memory.map((memory, index) => ({ answers: answers[index] ?? 0, memory })),
    file,
  };
}

/** The lines of a process, by time; a kill may have cut the last one. */
function linesOf(path: string): { readonly at: number; readonly text: string }[] {
  return readFileSync(path, { encoding: 'utf8', flag: 'a+' })
    .split('\n')
    .flatMap((text) => (text.endsWith('}') ? [{ at: Number(/^\{"at":([\d.]+)/.exec(text)?.[1]), text }] : []));
}

/** Resolves when nothing is left to do, or no more than `calmMs` have passed: then the judge says what is stuck. */
async function drain(client: Client, queues: readonly string[]): Promise<void> {
  const until = performance.now() + calmMs;
  while (performance.now() < until) {
    const left = await Promise.all(queues.map((queue) => client.queueStats(queue).then(unfinished, () => Number.NaN)));
    if (left.every((count) => count === 0)) return;
    await pause(200);
  }
}

function unfinished(stats: Record<'available' | 'active' | 'scheduled' | 'retryable', number>): number {
  return stats.available + stats.active + stats.scheduled + stats.retryable;
}
