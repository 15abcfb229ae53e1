import { State } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { claim, idOf, insert, keepAll, newJob, second, t0, to } from '../suite/tools.ts';
import { openRedis, test } from './namespace.ts';

const end = (number: number) => ({
  ...to(idOf(number), State.completed, State.active, { claim: 1, worker: 'w1', result: number % 3 === 0 ? '3' : null }),
  events: [{ kind: 'job.completed' as const }],
});

/** Ids of all jobs in pages of two. */
async function listed(storage: Storage): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after: string | undefined; ; ) {
    const { items, next } = await storage.jobs.list({ states: 0xff, limit: 2, ...(after !== undefined && { after }) });
    found.push(...items.map(({ id }) => id));
    if (next === null) return found;
    after = next;
  }
}

/** Completes jobs in batches of one moment and of several, alone and among others; answers what is there after each step. */
async function story(storage: Storage): Promise<unknown> {
  const numbers = Array.from({ length: 12 }, (_, number) => number);
  await insert(
    storage,
    numbers.map((number) => newJob(number, number === 4 ? { trace: 't' } : number === 5 ? { cron: 'c' } : {})),
  );
  await claim(storage, { limit: 10 });
  const seen: unknown[] = [];
  const look = async () => seen.push(await listed(storage), await storage.jobs.get(numbers.map(idOf)));
  await storage.jobs.transition([0, 5, 1, 4].map(end), t0 + 2);
  await storage.jobs.transition([3, 2].map(end), t0 + 2);
  await storage.jobs.transition([end(6)], t0 + 1);
  await storage.jobs.transition([7, 8, 7, 11].map(end), t0 + 3);
  await look();
  seen.push(await storage.jobs.remove([1, 8].map(idOf), { from: State.completed }, t0 + 4));
  await look();
  const prune = (before: number, keep: number, limit: number) =>
    storage.upkeep.prune({ ...keepAll, jobs: [{ state: State.completed, deadLetter: false, before, keep }] }, limit);
  for (const [before, keep, limit] of [
    [t0 + 2, 99, 9],
    [t0, 5, 9],
    [t0 + second, 99, 2],
    [t0 + second, 0, 9],
  ] as const) {
    seen.push(await prune(before, keep, limit));
    await look();
  }
  return seen;
}

test('jobs that were completed together are listed, removed and pruned one by one', async () => {
  await using subject = await openRedis();
  expect(await story(subject)).toEqual(await story(memoryStorage()));
});
