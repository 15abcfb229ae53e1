import { type NewJob, State, type Transition, Waiting } from '@ojs-ts/core/job';
import { completed } from '@ojs-ts/core/lifecycle';
import type { Storage } from '../../../src/storage/storage.ts';
import { claimOf, limitOf, newJob, t0, to, uniqueOf } from '../suite/tools.ts';

/** How much of it there is. */
export const batch = 100;
export const batches = 30;

/** Every hot path, in batches, over one backlog that is never empty. */
export async function work(storage: Storage, first: number): Promise<void> {
  const jobs = Array.from({ length: batch * batches }, (_, n): NewJob => {
    const number = first + n;
    const kinds: Partial<NewJob>[] = [
      {},
      { unique: uniqueOf({ key: `u${number}`, states: 0xff }) },
      { unique: uniqueOf({ key: `r${number}`, onConflict: 'replace' }) },
      { limits: [limitOf(`k${n % 25}`, { concurrency: 1000 })] },
      { limits: [limitOf(`l${n % 25}`, { rates: [{ count: 1000, perMs: 60_000 }] })] },
      { state: State.scheduled, runAt: t0 + 1, expiresAt: t0 + 1e9 },
      // It expires, so its page is promoted job by job.
      { state: State.scheduled, runAt: t0 + 1, expiresAt: t0 + 4 },
    ];
    return newJob(number, kinds[n % kinds.length]);
  });
  const plain = Array.from({ length: batch }, (_, n) => newJob(first + jobs.length + n, { queue: 'acked' }));
  await storage.jobs.insert([plain], t0);
  for (let at = 0; at < jobs.length; at += batch) {
    await storage.jobs.insert(
      jobs.slice(at, at + batch).map((job) => [job]),
      t0,
    );
  }
  const [acked] = await storage.jobs.claim([claimOf({ queues: ['acked'], limit: batch })], t0 + 5);
  await storage.jobs.transition(
    (acked?.jobs ?? []).map(({ id, claim }) => completed({ id, claim, result: '{}' })),
    t0 + 6,
  );
  for (let left = batches; left > 0; left--) {
    const [claimed] = await storage.jobs.claim([claimOf({ limit: batch })], t0 + 5);
    const ids = claimed?.jobs.map(({ id }) => id) ?? [];
    const holds = ids.map((id) => ({ id, claim: null }));
    await storage.registry.beat([{ worker: 'w1', holds, leaseMs: null, state: 'running', info: '{}' }], t0 + 5);
    const ends = [State.completed, State.retryable, State.cancelled, State.discarded];
    await storage.jobs.transition(
      ids.map((id, n): Transition => {
        const end = ends[n % ends.length] ?? State.completed;
        return to(id, end, State.active, end === State.retryable ? { runAt: t0 + 1e9 } : {});
      }),
      t0 + 6,
    );
    await storage.jobs.transition(
      ids.slice(0, 10).map((id) => to(id, State.cancelled, Waiting)),
      t0 + 6,
    );
    await storage.jobs.get(ids.slice(0, 10));
    await storage.upkeep.promote(t0 + 5, 100);
    await storage.upkeep.overdue(t0 + 6, 10);
    await storage.events(left * batch, 100);
  }
  await storage.jobs.list({ states: State.completed, limit: 10 });
}
