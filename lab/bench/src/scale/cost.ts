import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { JobRecord } from '@ojs-ts/core/job';
import { completed } from '@ojs-ts/core/lifecycle';
import { openStorage } from '@ojs-ts/server';
import { Fixture } from '../fixture.ts';
import { newJob } from '../new-job.ts';
import { PeakMemory } from '../peak-memory.ts';
import { treeCpuUs } from '../process.ts';
import { median } from '../statistics.ts';
import { freshStore } from '../store.ts';
import { type Field, type FieldName, fields } from './fields.ts';

export const operations = ['enqueue', 'claim', 'ack', 'list', 'page'] as const;
export type Operation = (typeof operations)[number];

/** A job, or a listed job. */
export interface Cost {
  /** Microseconds of CPU of this process, and of the store's; null where the store is no process. */
  readonly nodeUs: number;
  readonly storeUs: number | null;
  /** Milliseconds of a call, its median. */
  readonly callMs: number;
}

export interface CostPoint {
  readonly costs: Readonly<Record<Operation, Cost>>;
  /** Of the store on disk or in memory, as it says itself; null where it does not. */
  readonly bytes: number | null;
  /** The most of this process and the store's at once; null where the system does not say. */
  readonly memoryBytes: number | null;
}

export interface CostOptions {
  readonly storage: string;
  readonly field: FieldName;
  readonly x: number;
  /** Of each operation. */
  readonly calls: number;
}

const run = promisify(execFile);

/** Jobs of one call of enqueue, claim and ack. */
const batch = 10;
const pageSize = 50;
/** Calls of a read end after so many milliseconds: in memory, a list of a million jobs takes 0.1 to 0.2 s. */
const readMs = 10_000;
const worker = 'bench';

/** In a process of its own: neither the heap nor the compiled code of another point counts. */
export async function costsInProcess(options: CostOptions): Promise<CostPoint> {
  const { stdout } = await run(process.execPath, [import.meta.filename, JSON.stringify(options)]);
  return JSON.parse(stdout);
}

/** Below any engine, so that no retention removes what is to be there. */
async function measureCosts({ storage: url, field: name, x, calls }: CostOptions): Promise<CostPoint> {
  await using store = await freshStore(url);
  using memory = new PeakMemory([store.pid, process.pid]);
  await using storage = await openStorage(store.storage);
  const fixture = await Fixture.open(storage);
  const field = fields[name];
  await field.prepare(fixture, x);
  // Statements are planned, and code is compiled.
  await operate(fixture, field, x, Math.ceil(calls / 5), store.pid);
  const costs = await operate(fixture, field, x, calls, store.pid);
  const sizes = (await store.sizes()).filter(({ what }) => what.endsWith('bytes') || what === 'used_memory');
  const bytes = sizes.length === 0 ? null : sizes.reduce((sum, { value }) => sum + value, 0);
  return { costs, bytes, memoryBytes: memory.bytes };
}

/** Every call of an operation, then every one of the next; in the end what was there before. */
async function operate(
  fixture: Fixture,
  field: Field,
  x: number,
  calls: number,
  pid: number | null,
): Promise<CostPoint['costs']> {
  const { jobs } = fixture.storage;
  const claimed: JobRecord[][] = [];
  const of = (jobsOfCall: number, call: (n: number) => Promise<void>, mostMs = Number.POSITIVE_INFINITY) =>
    costOf(pid, calls, jobsOfCall, call, mostMs);

  const enqueue = await of(batch, async (n) => {
    const now = fixture.now();
    // A batch goes where one claim finds it.
    const groups = Array.from({ length: batch }, (_, index) => [newJob(n * batch + index, now, field.patch(n, x))]);
    const answers = await jobs.insert(groups, now);
    if (answers.flat().some(({ kind }) => kind !== 'inserted')) throw new Error('a job was not inserted');
  });
  await fixture.storage.upkeep.promote(fixture.now(), fixture.storage.traits.maxBatch);
  const claim = await of(batch, async (n) => {
    claimed.push([...(await fixture.claim(batch, field.queues(n, x)))]);
  });
  const got = claimed.flat();
  if (got.length !== calls * batch) throw new Error(`claims got ${got.length} of ${calls * batch} jobs`);
  const ack = await of(batch, async (n) => {
    const ended = (claimed[n] ?? []).map(({ id, claim }) => completed({ id, claim, worker, result: '{"sent":true}' }));
    const moved = await jobs.transition(ended, fixture.now());
    if (moved.some(({ kind }) => kind !== 'moved')) throw new Error('a job that was claimed could not be completed');
  });
  const query = { states: field.listed, limit: pageSize };
  // Without the jobs of the operations: acks have completed them, and some curves list completed jobs.
  await fixture.remove(got);
  const middle = (await jobs.list({ ...query, limit: 1, offset: Math.floor(x / 2) })).next;
  const read = async (after: object) => {
    if ((await jobs.list({ ...query, ...after })).items.length === 0) throw new Error('a list had no jobs');
  };
  const list = await of(pageSize, () => read({}), readMs);
  const page = await of(pageSize, () => read(middle === null ? {} : { after: middle }), readMs);
  return { enqueue, claim, ack, list, page };
}

async function costOf(
  pid: number | null,
  calls: number,
  jobs: number,
  call: (n: number) => Promise<void>,
  mostMs: number,
): Promise<Cost> {
  const times: number[] = [];
  const start = performance.now();
  const [own, store] = [process.cpuUsage(), pid === null ? null : treeCpuUs(pid)];
  for (let n = 0; n < calls && performance.now() - start < mostMs; n++) {
    const from = performance.now();
    await call(n);
    times.push(performance.now() - from);
  }
  const { user, system } = process.cpuUsage(own);
  const count = times.length * jobs;
  const storeUs = pid === null || store === null ? null : (treeCpuUs(pid) - store) / count;
  return { nodeUs: (user + system) / count, storeUs, callMs: median(times) };
}

if (import.meta.main) console.log(JSON.stringify(await measureCosts(JSON.parse(process.argv[2] ?? ''))));
