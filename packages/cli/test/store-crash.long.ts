import { statSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { State } from '@ojs-ts/core/job';
import { expect, test } from 'vitest';
import { openStorage } from '../../server/src/storage/open.ts';
import { historyErrors, invariantErrors } from '../../server/test/storage/invariants.ts';
import type { Instance } from '../../server/test/support/instance.ts';
import { findPostgres, startPostgres } from '../../server/test/support/postgres.ts';
import { appendOnlyFile, findRedis, startRedis } from '../../server/test/support/redis.ts';
import { drained, patientClient, produce, Runs } from './support/load.ts';
import { freePort, serveOn } from './support/processes.ts';

const jobs = 5_000;
const kills = 10;
/** How long Redis waits before it syncs what it wrote, where it does so every second. */
const syncMs = 1_000;
/**
 * How long such a Redis holds back what it has answered already, where the last sync is still under way: it dies with
 * the process.
 */
const heldBackMs = 2_000;
/** Well below the lease of 30 s. It takes 0.1 to 0.5 s. */
const resumedMs = 15_000;

interface Store {
  readonly name: string;
  readonly start: () => Promise<Instance>;
  /** Before the kill, what may be lost of what was acknowledged: jobs, claims and ends of jobs. Nothing by default. */
  readonly mayLoseMs?: number;
  /** The file of which a machine that loses its power loses what was written within the last second. */
  readonly unsynced?: (instance: Instance) => string;
}

const stores: readonly Store[] = [
  ...(findPostgres() === null ? [] : [{ name: 'PostgreSQL', start: () => startPostgres({ fsync: true }) }]),
  ...(findRedis() === null
    ? []
    : [
        { name: 'Redis, appendfsync always', start: () => startRedis({ appendonly: 'always' }) },
        {
          name: 'Redis, appendfsync everysec',
          start: () => startRedis({ appendonly: 'everysec' }),
          mayLoseMs: heldBackMs,
        },
        {
          name: 'Redis, everysec, the power fails',
          start: () => startRedis({ appendonly: 'everysec' }),
          mayLoseMs: heldBackMs,
          unsynced: appendOnlyFile,
        },
      ]),
];

/**
 * Kills the store with SIGKILL whenever another share of the work is done, and starts it again within 2 s. Answers when
 * it went and came back. What a killed process wrote stays with the system; only where the power fails it is lost, as
 * far as it was not synced.
 */
async function killStore(
  { mayLoseMs = 0, unsynced }: Store,
  instance: Instance,
  done: () => number,
  signal: AbortSignal,
) {
  const outages: { readonly safeUntil: number; readonly startedAt: number; readonly to: number }[] = [];
  const sizes: { readonly at: number; readonly file: string; readonly bytes: number }[] = [];
  using _sampling = setInterval(() => {
    // The folder of the store may be gone by then.
    const file = signal.aborted ? undefined : unsynced?.(instance);
    if (file !== undefined) sizes.push({ at: performance.now(), file, bytes: statSync(file).size });
  }, 20);
  for (let kill = 1; kill <= kills; kill++) {
    while (!signal.aborted && done() < (jobs * kill) / (kills + 1)) await pause(10);
    if (signal.aborted) break;
    const synced = sizes.findLast(({ at }) => at < performance.now() - syncMs);
    await instance.kill();
    const downAt = performance.now();
    if (synced !== undefined && synced.file === unsynced?.(instance)) await truncate(synced.file, synced.bytes);
    sizes.length = 0;
    await pause(100 + Math.random() * 1_400);
    // The server may pass on an answer of the store after the store is gone. What has arrived meanwhile is read first.
    await new Promise(setImmediate);
    const startedAt = performance.now();
    await instance.restart();
    outages.push({ safeUntil: (synced?.at ?? downAt) - mayLoseMs, startedAt, to: performance.now() });
  }
  return outages;
}

test.concurrent.each(stores)('ten SIGKILLs of the store during 5,000 jobs lose nothing, $name', async (tested) => {
  const { name, start, mayLoseMs = 0 } = tested;
  await using store = await start();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using server = await serveOn(store.url, port);
  await using client = patientClient(url);
  const runs = new Runs();
  for (let worker = 0; worker < 3; worker++) runs.work(url, 'load');
  const began = performance.now();
  const acknowledged = new Map<string, number>();
  const failed = new AbortController();
  const killing = killStore(tested, store, () => acknowledged.size, failed.signal);
  const producing = produce([client], 'load', jobs, acknowledged).catch((error: unknown) => {
    failed.abort();
    const { exitCode, signalCode } = server.process;
    throw new Error(`The server (${exitCode ?? signalCode ?? 'running'}) printed: ${server.errors.join('\n')}`, {
      cause: error,
    });
  });
  const [outages] = await Promise.all([killing, producing]);
  await drained(client, 'load');
  await runs.stop();
  const took = performance.now() - began;
  await server.end('SIGTERM');

  await using storage = await openStorage(store.url);
  const ids = [...acknowledged.keys()];
  const records = await storage.jobs.get(ids);
  const lost = ids.filter((_, index) => records[index]?.state !== State.completed);
  const mayBeLost = (at: number) => outages.some(({ safeUntil, startedAt }) => safeUntil <= at && at <= startedAt);
  const excused = lost.filter((id) => mayBeLost(acknowledged.get(id) ?? 0));
  const resumed = outages.map(({ to }) => (runs.firstStartAfter(to) ?? to) - to);
  console.log(
    `${name}: ${Math.round(took)} ms, resumed after ${resumed.map(Math.round).join(', ')} ms, ` +
      `${lost.length} lost, ${runs.twice.length} run twice, ${runs.overlapping.length} at once, ${runs.repeatedLeases.length} leases repeated`,
  );
  expect(outages).toHaveLength(kills);
  expect(acknowledged.size).toBe(jobs);
  expect(lost).toEqual(excused);
  // Where jobs are lost, those that are left may be none.
  if (mayLoseMs === 0) expect(Math.max(...resumed)).toBeLessThan(resumedMs);
  // No two leases at once: by what the workers saw, and by what the store wrote down.
  expect(runs.overlapping).toEqual([]);
  if (mayLoseMs === 0) expect([runs.twice, runs.repeatedLeases]).toEqual([[], []]);
  expect(await historyErrors(storage, { holders: new Map(), limited: new Map(), slots: new Map() })).toEqual([]);
  expect(await invariantErrors(storage)).toEqual([]);
});
