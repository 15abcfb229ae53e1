import { setTimeout as pause } from 'node:timers/promises';
import { openStorage } from '@ojs-ts/server';
import pg from 'pg';
import { readPostgresUrl } from '../../../../packages/server/src/storage/postgres/connection/url.ts';
import { claimSize, Fixture } from '../fixture.ts';
import { treeCpuUs } from '../process.ts';
import { startServer } from '../server.ts';
import { percentile } from '../statistics.ts';
import { freshStore } from '../store.ts';

/** A tenth of the time. */
export interface Part {
  /** Milliseconds of a claim of ten, the median. */
  readonly claimMs: number;
  /** CPU microseconds of PostgreSQL a job, from enqueue to removal; null where it runs on another machine. */
  readonly storeUs: number | null;
}

/** Claims and the size of the store, before, during and after a transaction that somebody left open. */
export interface TransactionPoint {
  readonly seconds: number;
  readonly before: Part;
  readonly during: readonly Part[];
  /** Bytes of the tables. */
  readonly bytesBefore: number;
  readonly bytesMost: number;
  /** After the transaction's end, a twentieth of the time apart; the load continues. */
  readonly bytesAfter: readonly number[];
}

const tenths = 10;
/** Of `seconds`: what the store has to be small again; two minutes where the transaction lasts ten. */
const afterShare = 0.2;
/** Batches of ten a second. */
const perSecond = 50;
const waiting = 1_000;
/** So few that the log of events is level before the transaction begins: it would grow with the load. */
const keptEvents = 20_000;

/** Enqueues, claims and acks 500 jobs a second on PostgreSQL with its upkeep, around a transaction of so long. */
export async function measureTransaction(url: string, seconds: number): Promise<TransactionPoint> {
  await using store = await freshStore(url);
  await using storage = await openStorage(store.storage);
  const fixture = await Fixture.open(storage);
  // Its upkeep is that of every store; the load goes around it.
  await using _server = await startServer(store.storage, { env: { OJS_RETAIN_EVENTS_COUNT: `${keptEvents}` } });
  await fixture.insert(waiting);
  const bytes = async () => (await store.sizes()).find(({ what }) => what === 'table bytes')?.value ?? Number.NaN;
  const part = (seconds * 1_000) / tenths;
  const { pid } = store;
  await load(fixture, pid, part);
  const before = await load(fixture, pid, part);
  const bytesBefore = await bytes();
  const { during, bytesMost } = await beside(url, async () => {
    const during: Part[] = [];
    let bytesMost = 0;
    while (during.length < tenths) {
      during.push(await load(fixture, pid, part));
      bytesMost = Math.max(bytesMost, await bytes());
    }
    return { during, bytesMost };
  });
  const bytesAfter: number[] = [];
  for (let step = 0; step < 4; step++) {
    await load(fixture, pid, (seconds * 1_000 * afterShare) / 4);
    bytesAfter.push(await bytes());
  }
  return { seconds, before, during, bytesBefore, bytesMost, bytesAfter };
}

/** With a transaction open that sees the database as it was. */
async function beside<T>(url: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: readPostgresUrl(url).targets[0] });
  await client.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    // Takes the snapshot, and a number that nothing newer may be removed before.
    await client.query('SELECT pg_current_xact_id()');
    return await work();
  } finally {
    await client.end();
  }
}

async function load(fixture: Fixture, pid: number | null, ms: number): Promise<Part> {
  const times: number[] = [];
  const cpu = pid === null ? null : treeCpuUs(pid);
  const from = performance.now();
  for (let batch = 0; performance.now() - from < ms; batch++) {
    await pause(Math.max(0, from + (batch * 1_000) / perSecond - performance.now()));
    await fixture.insert(claimSize);
    const at = performance.now();
    const jobs = await fixture.claim(claimSize);
    times.push(performance.now() - at);
    if (jobs.length !== claimSize) throw new Error(`a claim of ${claimSize} got ${jobs.length} jobs`);
    await fixture.complete(jobs);
    await fixture.remove(jobs);
  }
  const jobs = times.length * claimSize;
  const storeUs = pid === null || cpu === null ? null : (treeCpuUs(pid) - cpu) / jobs;
  return { claimMs: percentile(times, 0.5), storeUs };
}
