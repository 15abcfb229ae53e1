import { State, Terminal, type Transition, Waiting } from '@ojs-ts/core/job';
import { completed } from '@ojs-ts/core/lifecycle';
import pg from 'pg';
import { expect } from 'vitest';
import type { PruneRules } from '../../../src/storage/prune.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { invariantErrors } from '../invariants.ts';
import { claimOf, idOf, insert, limitOf, newJob, to, uniqueOf } from '../suite/tools.ts';
import { test } from './schema.ts';
import { openStores } from './stores.ts';

const jobs = 60;
const clients = 8;
const turns = 60;

const some = <T>(items: readonly T[]): readonly T[] => items.filter(() => Math.random() < 0.5);
const any = () => some(Array.from({ length: jobs }, (_, number) => idOf(number))).slice(0, 12);

/** A number that no other job has. */
const other = () => jobs + Math.floor(Math.random() * 1e6);
const pruneRules = (now: number): PruneRules => ({
  jobs: [State.completed, State.cancelled, State.discarded].map((state) => ({
    ...{ state, deadLetter: false, before: 0, keep: 15 },
  })),
  ...{ events: { before: 0, keep: 1e9 }, workflows: { before: 0, keep: 1e9 }, statisticsBefore: 0, auditBefore: 0 },
  ...{ requestsBefore: now, workersBefore: 0, limitsBefore: 0 },
});

/** What clients do to the same jobs at once. */
const acts: readonly ((storage: Storage, now: number) => Promise<unknown>)[] = [
  async (storage, now) => {
    const [claimed] = await storage.jobs.claim([claimOf({ limit: 8, worker: 'w' })], now);
    const held = (claimed?.jobs ?? []).map(({ id, claim }) => ({ id, claim }));
    await storage.registry.beat([{ worker: 'w', holds: held, leaseMs: null, state: 'running', info: '{}' }], now);
    const acks = some(held).map((one) => completed({ ...one, worker: 'w', result: '1' }));
    // Repeated, and in another order.
    await Promise.all([
      storage.jobs.transition(acks, now),
      storage.jobs.transition(acks.toReversed(), now),
      storage.jobs.transition(
        held.map(({ id, claim }): Transition => to(id, State.retryable, State.active, { claim, runAt: now })),
        now,
      ),
    ]);
  },
  (storage, now) =>
    storage.jobs.transition(
      any().map((id) => to(id, State.cancelled, Waiting | State.active, { history: '{"kind":"cancelled"}' })),
      now,
    ),
  (storage, now) =>
    storage.jobs.transition(
      any().map((id) => to(id, State.available, Terminal, { attempt: 0, priority: Math.floor(Math.random() * 3) })),
      now,
    ),
  (storage, now) =>
    storage.jobs.transition(
      any().map((id) => to(id, State.active, State.active, { progress: `"${now}"`, beat: true })),
      now,
    ),
  (storage, now) => storage.upkeep.promote(now, 20),
  (storage, now) => storage.upkeep.prune(pruneRules(now), 5),
  (storage, now) => storage.jobs.remove(any().slice(0, 2), { from: 0xff }, now),
  // Those that were removed come back.
  (storage, now) =>
    storage.jobs.insert(
      any().map((id) => [{ ...newJob(0), id }]),
      now,
    ),
  (storage, now) =>
    storage.jobs.insert(
      [0, 1, 2].map(() => [newJob(other(), { expiresAt: now + 5, limits: [limitOf('limited', { concurrency: 3 })] })]),
      now,
    ),
  (storage, now) =>
    storage.jobs.insert([[newJob(other(), { unique: uniqueOf({ key: 'k0', onConflict: 'replace' }) })]], now),
];

test('a job stands in one table and has its texts, whatever clients do to it at once, and nothing deadlocks', async () => {
  await using stores = await openStores(4);
  const [first] = stores.all;
  if (!first) throw new Error('No store was opened.');
  await insert(
    first,
    Array.from({ length: jobs }, (_, number) =>
      newJob(number, number === 0 ? { unique: uniqueOf({ key: 'k0', onConflict: 'replace' }) } : {}),
    ),
  );
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const storage = stores.all[client % stores.all.length] ?? first;
      for (let turn = 0; turn < turns; turn++)
        await acts[Math.floor(Math.random() * acts.length)]?.(storage, Date.now());
    }),
  );
  expect(await invariantErrors(first)).toEqual([]);
  const inside = new pg.Client({ connectionString: stores.url });
  await inside.connect();
  const standing = ['due', 'ready', 'active', 'ended'].map((table) => `SELECT id, number, texts FROM ojs.${table}`);
  const { rows } = await inside.query(
    `SELECT coalesce(jobs.id, stands.id) AS id, count(stands.id)::int AS count, bool_and(texts = EXISTS (SELECT FROM ojs.texts WHERE texts.number = jobs.number)) AS fits
        FROM ojs.jobs FULL JOIN (${standing.join(' UNION ALL ')}) AS stands ON stands.id = jobs.id AND stands.number = jobs.number
        GROUP BY 1 HAVING count(stands.id) <> 1 OR count(jobs.id) <> 1
          OR NOT bool_and(texts = EXISTS (SELECT FROM ojs.texts WHERE texts.number = jobs.number))`,
  );
  await inside.end();
  expect(rows).toEqual([]);
  expect((await stores.close('jobs')).deadlocks).toBe(0);
});
