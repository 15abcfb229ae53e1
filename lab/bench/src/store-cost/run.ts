import { uuidv7 } from '@ojs-ts/core';
import type { JobRecord, NodeRef } from '@ojs-ts/core/job';
import { completed } from '@ojs-ts/core/lifecycle';
import { openStorage, type Storage } from '@ojs-ts/server';
import { newJob } from '../new-job.ts';
import { freshStore } from '../store.ts';
import { endGroups, insertTogether, type Kind, patchOf } from './kinds.ts';
import type { Meter } from './meter.ts';
import { meterOf } from './meters.ts';

const queue = 'bench';
const worker = 'bench';
const hourMs = 3_600_000;

/** What one operation of one round has cost, a job. */
export interface Cost {
  readonly operation: string;
  /** Microseconds of CPU: of the store, and of this process. */
  readonly storeUs: number;
  readonly nodeUs: number;
  /** Bytes of the store's log, and images of whole pages within. */
  readonly logBytes: number | null;
  readonly images: number;
}

export interface Round {
  readonly costs: readonly Cost[];
  /** Bytes a job that the store keeps when all jobs wait, and when all are completed. */
  readonly waitingBytes: number | null;
  readonly completedBytes: number | null;
}

export interface RoundOptions {
  readonly storage: string;
  readonly kind: Kind;
  readonly jobs: number;
  /** Sizes of claims and acks. */
  readonly batches: readonly number[];
  /** Jobs of one insert, and jobs that are inserted singly. */
  readonly insertBatch: number;
  readonly singles: number;
}

/** One after the other on an empty store: inserts, claims and acks of each size, upkeep, which removes all again. */
export async function measureRound(options: RoundOptions): Promise<Round> {
  await using store = await freshStore(options.storage);
  await using meter = await meterOf(store.storage);
  await using storage = await openStorage(store.storage);
  await storage.migrate();
  const costs: Cost[] = [];
  const measure = async (operation: string, jobs: number, work: () => Promise<void>) =>
    void costs.push(await costOf(meter, operation, jobs, work));
  const { kind, jobs, batches, insertBatch, singles } = options;
  let made = 0;
  const insert = async (count: number, size: number) => {
    for (const to = made + count; made < to; ) {
      const now = Date.now();
      const group = Array.from({ length: Math.min(size, to - made) }, () => {
        const n = made++;
        return newJob(n, now, { queue, ...patchOf(kind, n) });
      });
      await insertTogether(storage, kind, group, now);
      await everySoOften(storage, made, size);
    }
  };
  // The first statements of a connection are parsed and planned.
  await insert(100, 10);
  await drain(storage, 100, 10);
  const empty = await meter.kept();
  await measure('insert 1', singles, () => insert(singles, 1));
  await measure(`insert ${insertBatch}`, jobs, () => insert(jobs, insertBatch));
  await meter.settle();
  const waiting = await meter.kept();
  const share = Math.floor((jobs + singles) / batches.length);
  for (const batch of batches) await measure(`claim and ack ${batch}`, share, () => drain(storage, share, batch));
  await drain(storage, jobs + singles - share * batches.length, 500);
  const done = await meter.kept();
  await measure('upkeep', jobs + singles, async () => {
    await cleanUp(storage);
    await meter.settle();
  });
  const each = (bytes: number | null) => (bytes === null || empty === null ? null : (bytes - empty) / (jobs + singles));
  return { costs, waitingBytes: each(waiting), completedBytes: each(done) };
}

async function costOf(meter: Meter, operation: string, jobs: number, work: () => Promise<void>): Promise<Cost> {
  const [before, own] = [await meter.used(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(own);
  const after = await meter.used();
  return {
    operation,
    storeUs: (after.cpuUs - before.cpuUs) / jobs,
    nodeUs: (user + system) / jobs,
    logBytes: after.logBytes === null || before.logBytes === null ? null : (after.logBytes - before.logBytes) / jobs,
    images: (after.images - before.images) / jobs,
  };
}

/** As a server does ten times a second: a storage adds up meanwhile what the operations have appended. */
async function everySoOften(storage: Storage, done: number, size: number): Promise<void> {
  if (Math.floor(done / 2_000) > Math.floor((done - size) / 2_000)) await storage.upkeep.promote(Date.now(), 100);
}

/** Claims, as a fetch with an id does, and completes, as an ack does. */
async function drain(storage: Storage, count: number, batch: number): Promise<void> {
  for (let done = 0; done < count; ) {
    const limit = Math.min(batch, count - done);
    const now = Date.now();
    const claim = { request: uuidv7(), queues: [queue], limit, worker, leaseMs: null, defaultLeaseMs: hourMs };
    const [claimed] = await storage.jobs.claim([{ ...claim, leaseRequired: true }], now);
    const jobs: readonly JobRecord[] = claimed?.jobs ?? [];
    if (jobs.length === 0) throw new Error(`only ${done} of ${count} jobs could be claimed`);
    const moved = await storage.jobs.transition(
      jobs.map(({ id, claim }) => completed({ id, claim, worker, result: '{"sent":true}' })),
      Date.now(),
    );
    const ready: NodeRef[] = [];
    for (const one of moved) {
      if (one.kind !== 'moved') throw new Error('a job that was claimed could not be completed');
      ready.push(...one.ready);
    }
    await endGroups(storage, ready, Date.now());
    done += jobs.length;
    await everySoOften(storage, done, batch);
  }
}

/** Reads the log as a subscriber does, then removes whatever may go. */
async function cleanUp(storage: Storage): Promise<void> {
  for (let after = 0, more = true; more; ) {
    const { batches } = await storage.events(after, 1_000);
    const last = batches.at(-1);
    more = last !== undefined;
    if (last) after = last.position + last.count - 1;
  }
  const before = Date.now() + hourMs;
  const rule = { before, keep: 0 };
  const states = [16, 64, 128] as const;
  const rules = {
    jobs: states.map((state) => ({ state, deadLetter: false, ...rule })),
    events: rule,
    workflows: rule,
    statisticsBefore: before,
    audit: rule,
    requestsBefore: before,
    workersBefore: before,
    limitsBefore: before,
  };
  for (let gone = 1; gone > 0; ) {
    const { jobs, others } = await storage.upkeep.prune(rules, 1_000);
    gone = [...jobs.map((rule) => rule.gone), ...Object.values(others)].reduce((sum, count) => sum + count, 0);
  }
}
