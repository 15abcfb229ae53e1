import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '@ojs-ts/sdk';
import { expect, test } from 'vitest';
import { silent } from '../../packages/cli/test/support/load.ts';
import { Child, freePort, serveOn } from '../../packages/cli/test/support/processes.ts';
import { openStorage } from '../../packages/server/src/storage/open.ts';
import { historyErrors, invariantErrors } from '../../packages/server/test/storage/invariants.ts';
import { storages } from '../../packages/server/test/support/storages.ts';
import { persist } from '../failures/persistent.ts';
import { canFakeTime, clockOff } from './faked-time.ts';

/** Stores with a clock of their own. It is this machine's, as the test's is. */
const stores = storages.filter(({ name }) => name === 'postgres' || name === 'redis');
const serverOffsets = [300, -300];
const workerOffsets = [-300, -170, -40, 70, 180, 300];
/** What a clock is read too early or too late by. */
const toleranceMs = 1_000;
/** How late a busy machine may be: the clocks are wrong by at least 40 s. */
const lateMs = 8_000;
const leaseMs = 4_000;
const backoffMs = 2_000;
const isPossible = await canFakeTime();

/** What the workers said, and when by this machine's clock. */
interface Said {
  readonly what: string;
  readonly id: string;
  readonly attempt: number;
  readonly at: number;
}

function listen(child: Child, offset: number, said: Said[]): void {
  const { stdout } = child.process;
  if (!stdout) throw new Error('The worker has no output.');
  createInterface({ input: stdout }).on('line', (line) => {
    const [what = '', id = '', attempt = '', at = ''] = line.split(' ');
    said.push({ what, id, attempt: Number(attempt), at: Number(at) - offset * 1_000 });
  });
}

/** Polls until the answer is there; when that was. */
async function momentOf(condition: () => Promise<boolean>): Promise<number> {
  while (!(await condition())) await pause(50);
  return Date.now();
}

test.skipIf(!isPossible).concurrent.each(stores)(
  'two servers and six workers, each with a clock that is wrong by up to 5 minutes, $name: nothing early, late or twice',
  async ({ name, url }) => {
    const target = url();
    await using ending = new AsyncDisposableStack();
    const ports = [await freePort(), await freePort()];
    const urls = ports.map((port) => `http://127.0.0.1:${port}`);
    const [urlA = '', urlB = ''] = urls;
    for (const [index, port] of ports.entries()) {
      const offset = serverOffsets[index] ?? 0;
      ending.use(await serveOn(target, port, clockOff(offset)));
      const { headers } = await fetch(urls[index] ?? urlA);
      // Its clock is as wrong as it should be.
      expect(Math.abs(Date.parse(headers.get('date') ?? '') - Date.now() - offset * 1_000)).toBeLessThan(5_000);
    }
    const said: Said[] = [];
    for (const [index, offset] of workerOffsets.entries()) {
      const worker = ending.use(new Child('lab/clocks/clocked.child.ts', [urls[index % 2] ?? urlA], clockOff(offset)));
      listen(worker, offset, said);
      const line = await worker.line(/^ready/);
      expect(Math.abs(Number(line.split(' ').at(-1)) - Date.now() - offset * 1_000)).toBeLessThan(5_000);
    }
    const clients = urls.map((one) => ending.use(new Client(one, { logger: silent })));
    const [clientA, clientB] = clients;
    if (!clientA || !clientB) throw new Error('There are two.');

    const began = Date.now();
    const scheduled = new Map<string, number>();
    for (let number = 0; number < 100; number++) {
      const runAt = began + 3_000 + number * 130;
      const client = number % 2 === 0 ? clientA : clientB;
      const { id } = await client.enqueue('clock.job', [5, 0], { queue: 'clock', scheduledAt: new Date(runAt) });
      scheduled.set(id, runAt);
    }
    const retry = { maxAttempts: 5, initialInterval: backoffMs, backoffCoefficient: 1, jitter: false };
    const retried = await clientA.enqueueBatch(
      Array.from({ length: 20 }, () => ({ type: 'clock.job', args: [5, 2], queue: 'clock', retry })),
    );
    // Twice as long as their lease, which heartbeats extend.
    const long = await clientB.enqueueBatch(
      Array.from({ length: 6 }, () => ({ type: 'clock.job', args: [20_000, 0], queue: 'clock' })),
    );
    const registering = Date.now();
    await persist(urlA, 'POST', '/ojs/v1/cron', {
      name: 'tick',
      cron: '@every 1s',
      overlap_policy: 'allow',
      type: 'clock.tick',
      options: { queue: 'clock' },
    });
    const registered = Date.now();

    const lapse = async () => {
      await clientA.enqueue('clock.job', [1, 0], { queue: 'lapse' });
      const fetched = async (one: string) => {
        const body = { queues: ['lapse'], worker_id: 'silent', visibility_timeout_ms: leaseMs };
        return ((await persist(one, 'POST', '/ojs/v1/workers/fetch', body)).body.jobs as readonly unknown[]).length > 0;
      };
      const from = Date.now();
      expect(await fetched(urlA)).toBe(true);
      return (await momentOf(() => fetched(urlB))) - from - leaseMs;
    };
    const expiry = async () => {
      const expiresAt = Date.now() + 4_000;
      const { id } = await clientB.enqueue('clock.job', [1, 0], { queue: 'nobody', expiresAt: new Date(expiresAt) });
      return (await momentOf(async () => (await clientA.getJob(id)).state === 'discarded')) - expiresAt;
    };
    const [lapsedLate, expiredLate] = await Promise.all([lapse(), expiry(), pause(15_000)]);
    await persist(urlB, 'DELETE', '/ojs/v1/cron/tick');
    const removed = Date.now();
    await momentOf(async () => long.every(({ id }) => said.some((one) => one.what === 'end' && one.id === id)));
    await pause(500);

    const startsOf = (id: string) => said.filter((one) => one.what === 'start' && one.id === id);
    const early: number[] = [];
    for (const [id, runAt] of scheduled) {
      const starts = startsOf(id);
      expect(starts).toHaveLength(1);
      early.push((starts[0]?.at ?? Number.NaN) - runAt);
    }
    const waits = retried.flatMap(({ id }) => {
      const starts = startsOf(id);
      expect(starts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
      return starts.slice(1).map((start) => {
        const failed = said.find((one) => one.what === 'end' && one.id === id && one.attempt === start.attempt - 1);
        return start.at - (failed?.at ?? Number.NaN) - backoffMs;
      });
    });
    for (const { id } of long) expect(startsOf(id)).toHaveLength(1);
    expect(said.filter(({ what }) => what === 'aborted')).toEqual([]);
    const ticks = said.filter(({ what }) => what === 'tick');
    expect(new Set(ticks.map(({ id }) => id)).size).toBe(ticks.length);
    const gaps = ticks.slice(1).map(({ at }, index) => at - (ticks[index]?.at ?? Number.NaN) - 1_000);

    const figures = { scheduled: early, retried: waits, lapsed: [lapsedLate], expired: [expiredLate] };
    const range = Object.entries({ ...figures, ticks: gaps }).map(
      ([what, values]) => `${what} ${Math.min(...values)} to ${Math.max(...values)} ms`,
    );
    console.log(`${name}: ${range.join(', ')}; ${ticks.length} ticks in ${removed - registered} ms`);
    for (const [what, values] of Object.entries(figures)) {
      expect(Math.min(...values), `${what}: early`).toBeGreaterThan(-toleranceMs);
      expect(Math.max(...values), `${what}: late`).toBeLessThan(lateMs);
    }
    // The one after a late tick comes early.
    expect(Math.max(...gaps), 'ticks: late').toBeLessThan(lateMs);
    expect(Math.min(...early), 'scheduled: early').toBeGreaterThanOrEqual(0);
    // None twice, most there, and none missing at an end. Crons are looked at once a second and no more often (ojs-cron
    // §7.3), so the first may be that late.
    expect(ticks.length).toBeLessThanOrEqual((removed - registering + toleranceMs) / 1_000);
    expect(ticks.length).toBeGreaterThan((removed - registered) / 2_000 + 1);
    expect((ticks[0]?.at ?? Number.NaN) - registered).toBeLessThan(2_000 + lateMs);
    expect(removed - (ticks.at(-1)?.at ?? Number.NaN)).toBeLessThan(1_000 + lateMs);

    await ending.disposeAsync();
    await using storage = await openStorage(target);
    // Everything was dated by the store's clock.
    const { batches } = await storage.events(0, 1_000_000);
    expect(batches.filter(({ at }) => at < began - 60_000 || at > Date.now() + toleranceMs)).toEqual([]);
    expect(batches.filter(({ at }, index) => at < (batches[index - 1]?.at ?? 0) - toleranceMs)).toEqual([]);
    expect(await historyErrors(storage, { holders: new Map(), limited: new Map(), slots: new Map() })).toEqual([]);
    expect(await invariantErrors(storage)).toEqual([]);
  },
);
