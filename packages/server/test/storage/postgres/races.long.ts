import { setTimeout as pause } from 'node:timers/promises';
import { type NewJob, queueLimitKey, State, type Transition, Waiting } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import type { Storage } from '../../../src/storage/storage.ts';
import { historyErrors, invariantErrors } from '../invariants.ts';
import { claimOf, limitOf, newJob, t0, uniqueOf } from '../suite/tools.ts';
import { test } from './schema.ts';
import { openStores } from './stores.ts';

const clients = 8;
const rate = { count: 10, perMs: 100 };
const queues = ['main', 'limited', 'whole'];
const wholeSlots = 3;

function offered(): NewJob[] {
  let number = 0;
  const jobs = (count: number, make: (n: number) => Partial<NewJob>) =>
    Array.from({ length: count }, (_, n) => newJob(++number, { queue: 'main', ...make(n) }));
  const all = [
    ...jobs(400, () => ({})),
    ...jobs(200, (n) => ({ unique: uniqueOf({ key: `keep${n % 20}`, states: 0xff }) })),
    ...jobs(100, (n) => ({ queue: 'parked', unique: uniqueOf({ key: `replace${n % 10}`, onConflict: 'replace' }) })),
    ...jobs(200, (n) => ({
      queue: 'limited',
      limits: [
        ...(n % 5 === 0 ? [limitOf('all', { concurrency: 4 })] : []),
        limitOf(`two${n % 8}`, { concurrency: 2 }),
      ],
    })),
    ...jobs(60, (n) => ({ queue: 'limited', limits: [limitOf(`rate${n % 3}`, { rates: [rate] })] })),
    ...jobs(60, () => ({ queue: 'whole' })),
  ];
  return all.toSorted(() => Math.random() - 0.5);
}

/** What one client has seen, and what it finds wrong with it. */
class Ledger {
  readonly errors: string[] = [];
  readonly claims = new Set<string>();
  readonly starts = new Map<string, number[]>();
  readonly winners = new Map<string, string[]>();
  readonly #running = new Map<string, number>();
  replaced = 0;
  completed = 0;

  started(id: string, claim: number, at: number, keys: readonly string[]): void {
    if (this.claims.has(`${id} ${claim}`)) this.errors.push(`${id} was claimed twice as ${claim}`);
    this.claims.add(`${id} ${claim}`);
    for (const key of keys) {
      const count = (this.#running.get(key) ?? 0) + 1;
      this.#running.set(key, count);
      if (key.startsWith('rate')) this.starts.set(key, [...(this.starts.get(key) ?? []), at]);
      else if (count > slotsOf(key)) this.errors.push(`${count} jobs ran at once under ${key}`);
    }
  }

  ended(keys: readonly string[]): void {
    for (const key of keys) this.#running.set(key, (this.#running.get(key) ?? 0) - 1);
  }
}

function slotsOf(key: string): number {
  if (key.startsWith('two')) return 2;
  return key === 'all' ? 4 : wholeSlots;
}

const keysOf = ({ queue, limits }: { readonly queue: string; readonly limits: readonly string[] }) => [
  ...limits,
  ...(queue === 'whole' ? [queueLimitKey(queue)] : []),
];

async function insert(storage: Storage, jobs: readonly NewJob[], ledger: Ledger): Promise<void> {
  const answers = await storage.jobs.insert(
    jobs.map((job) => [job]),
    Date.now(),
  );
  answers.forEach(([answer], at) => {
    const job = jobs[at];
    if (answer?.kind !== 'inserted' || !job?.unique) return;
    ledger.replaced += answer.replaced.length;
    ledger.winners.set(job.unique.key, [...(ledger.winners.get(job.unique.key) ?? []), job.id]);
  });
}

async function work(storage: Storage, worker: number, ledger: Ledger): Promise<number> {
  const order = worker % 2 === 0 ? queues : queues.toReversed();
  const [claimed] = await storage.jobs.claim([claimOf({ queues: order, limit: 12, worker: `w${worker}` })], Date.now());
  const jobs = claimed?.jobs ?? [];
  for (const job of jobs) ledger.started(job.id, job.claim, job.startedAt ?? 0, keysOf(job));
  await pause(Math.random() * 3);
  for (const job of jobs) ledger.ended(keysOf(job));
  const expected: string[] = [];
  const transitions = jobs.flatMap((job): Transition[] => {
    const done: Transition = {
      id: job.id,
      from: State.active,
      claim: job.claim,
      to: State.completed,
      events: [{ kind: 'job.completed' }],
    };
    // Some are given back, and the worker that had them finishes them all the same; others are finished twice.
    if (job.claim === 1 && Math.random() < 0.05) {
      expected.push('moved', 'refused');
      return [{ ...done, to: State.available, events: [] }, done];
    }
    ledger.completed += 1;
    expected.push('moved', 'already');
    return [done, done];
  });
  const answers = await storage.jobs.transition(transitions, Date.now());
  const kinds = answers.map(({ kind }) => kind);
  if (kinds.join() !== expected.join()) ledger.errors.push(`transitions were ${kinds}, not ${expected}`);
  return jobs.length;
}

test('clients on several connections: no job claimed twice, limits hold, a unique key has one winner, nothing deadlocks (core 6.5.2)', async () => {
  await using stores = await openStores(4);
  const [first] = stores.all;
  if (!first) throw new Error('No store was opened.');
  await first.registry.overrideLimit(queueLimitKey('whole'), { concurrency: wholeSlots, rates: [] }, t0);
  const jobs = offered();
  const ledger = new Ledger();
  const pending = [...jobs];
  await Promise.all(
    Array.from({ length: clients }, async (_, worker) => {
      const storage = stores.all[worker % stores.all.length] ?? first;
      for (let idle = 0; idle < 40; ) {
        const batch = pending.splice(0, 20);
        if (batch.length > 0) await insert(storage, batch, ledger);
        const got = await work(storage, worker, ledger);
        if (got === 0 && batch.length === 0) {
          idle += 1;
          await pause(5);
        } else idle = 0;
      }
    }),
  );
  expect(ledger.errors).toEqual([]);
  for (const [key, ids] of ledger.winners) {
    if (key.startsWith('keep')) expect(ids, key).toHaveLength(1);
  }
  expect([ledger.winners.size, ledger.replaced]).toEqual([30, 90]);
  for (const [key, at] of ledger.starts) {
    const times = at.toSorted((a, b) => a - b);
    times.forEach((time, index) => {
      const next = times[index + rate.count];
      expect(
        next === undefined || next - time >= rate.perMs,
        `${key}: ${rate.count + 1} starts within ${next} - ${time}`,
      ).toBe(true);
    });
  }
  // All that was not refused or parked is done.
  expect(ledger.completed).toBe(400 + 20 + 200 + 60 + 60);
  const left = await first.jobs.list({ states: Waiting | State.active, limit: 1000 });
  expect(left.items.map(({ queue }) => queue)).toEqual(Array.from({ length: 10 }, () => 'parked'));
  expect(await invariantErrors(first)).toEqual([]);
  const holders = new Map(jobs.flatMap(({ id, unique }) => (unique ? [[id, unique.key] as const] : [])));
  const two = (limits: NewJob['limits']) => limits.find(({ key }) => key.startsWith('two'))?.key;
  const limited = new Map(
    jobs.flatMap(({ id, limits }) => (two(limits) === undefined ? [] : [[id, two(limits) ?? ''] as const])),
  );
  const slots = new Map([...new Set(limited.values())].map((key) => [key, 2]));
  expect(await historyErrors(first, { holders, limited, slots })).toEqual([]);
  expect((await stores.close('jobs')).deadlocks).toBe(0);
});
