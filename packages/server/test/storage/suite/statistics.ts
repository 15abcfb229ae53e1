import { State, Waiting } from '@ojs-ts/core/job';
import { codeOf, newFigures } from '@ojs-ts/core/statistics';
import { expect } from 'vitest';
import { goneOf } from '../../../src/storage/prune.ts';
import type { MinuteRecord } from '../../../src/storage/storage.ts';
import { type Cases, claim, claimOne, idOf, insert, keepAll, move, newJob, second, t0, to, uniqueOf } from './tools.ts';

const minute = 60 * second;
const failed = [{ kind: 'job.failed' }] as const;

function sums(at: number, patch: Partial<MinuteRecord>, queue = 'default'): MinuteRecord {
  return { minute: at, queue, type: 'email.send', ...newFigures(), ...patch };
}

export const statisticsCases: Cases = {
  async 'those of named queues are a part of those of all'(storage) {
    const { registry } = storage;
    const queues = ['a', 'a-b', 'a.b', 'ab', 'default', 'z'];
    // More minutes than one script of Redis looks at, and more types than it answers.
    const minutes = Array.from({ length: 520 }, (_, at) => at);
    for (const at of minutes) {
      const queue = at % 7 === 6 ? 'rare' : (queues[at % 6] ?? '');
      const jobs = [0, 1].map((n) => newJob(2 * at + n + 1, { queue, type: n === 0 ? 'x.a' : 'x.b' }));
      await insert(storage, jobs, t0 + at * minute);
    }
    const many = Array.from({ length: 510 }, (_, n) => newJob(2_000 + n, { queue: 'a.b', type: `t.n${n}` }));
    await insert(storage, many, t0 + 100 * minute);
    const all = await registry.statistics(t0);
    const each = [...queues, 'rare', 'nowhere', 'a.', 'default.more'].map((name) => [name]);
    for (const names of [...each, [], ['z', 'a.b', 'nowhere', 'a-b', 'z']]) {
      const own = all.filter(({ queue }) => names.includes(queue));
      expect(await registry.statistics(t0, undefined, names), names.join()).toEqual(own);
      const [since, until] = [t0 + 30 * minute, t0 + 400 * minute];
      const part = own.filter(({ minute: at }) => at >= since && at < until);
      expect(await registry.statistics(since, until, names), names.join()).toEqual(part);
    }
    expect(await registry.statistics(t0, t0, ['a'])).toEqual([]);
    const end = t0 + 520 * minute;
    for (const [count, since] of [
      [0, t0 - minute],
      [1, t0],
      [2, t0],
      [300, t0],
      [3, t0 + 101 * minute],
    ] as const) {
      const at = await registry.minuteBehind(count, since, end);
      const before = (until: number) => all.filter((one) => one.minute >= since && one.minute < until).length;
      // A store of three namespaces counts in each of them.
      expect(before(at ?? 0), `${count} from ${since}`).toBeLessThanOrEqual(3 * count);
      expect(before((at ?? 0) + minute), `${count} from ${since}`).toBeGreaterThan(count);
    }
    expect(await registry.minuteBehind(9, end - 3 * minute, end)).toBeNull();
    expect(await registry.minuteBehind(0, end, end)).toBeNull();
  },
  async 'starts with what they waited, ends with what they took, in the minute in which they happened'(storage) {
    await insert(storage, [newJob(1, { createdAt: t0 + second }), newJob(2, { createdAt: t0 + second })], t0 + second);
    await claim(storage, { limit: 2 }, t0 + 4 * second);
    await move(storage, to(idOf(1), State.completed, State.active), t0 + minute - 1);
    await move(storage, to(idOf(2), State.completed, State.active), t0 + minute);
    const last = sums(t0 + minute, {
      ...{ completed: 1, durationMs: 56 * second },
      histogram: { [codeOf('completed', 56 * second)]: 1 },
    });
    expect(await storage.registry.statistics(t0)).toEqual([
      sums(t0, {
        ...{ enqueued: 2, started: 2, waitMs: 6 * second, completed: 1, durationMs: minute - 1 - 4 * second },
        histogram: { [codeOf('wait', 3 * second)]: 2, [codeOf('completed', minute - 1 - 4 * second)]: 1 },
      }),
      last,
    ]);
    expect(await storage.registry.statistics(t0 + 1)).toEqual([last]);
    expect(await storage.registry.statistics(t0, t0 + minute)).toMatchObject([{ minute: t0, started: 2 }]);
    expect(await storage.registry.statistics(t0, t0)).toEqual([]);
    expect(await storage.registry.statistics(t0 + 2 * minute)).toEqual([]);
  },
  async 'a job counts as enqueued once: created, promoted or activated; not by a retry or a requeue'(storage) {
    await insert(storage, [
      newJob(1),
      newJob(2, { state: State.scheduled, runAt: t0 + 5 }),
      newJob(3, { state: State.pending, queue: 'b' }),
    ]);
    const counts = async () => (await storage.registry.statistics(t0)).map(({ queue, enqueued }) => [queue, enqueued]);
    expect(await counts()).toEqual([['default', 1]]);
    await storage.upkeep.promote(t0 + 5, 9);
    await move(storage, to(idOf(3), State.available, State.pending), t0 + 5);
    expect(await counts()).toEqual([
      ['b', 1],
      ['default', 2],
    ]);
    await claimOne(storage);
    await move(storage, to(idOf(1), State.available, State.active));
    await claim(storage, { limit: 9 });
    await move(storage, to(idOf(1), State.retryable, State.active, { runAt: t0 + 6 }));
    await storage.upkeep.promote(t0 + 6, 9);
    await move(storage, to(idOf(2), State.discarded, State.active));
    await move(storage, to(idOf(2), State.available, State.discarded));
    expect(await counts()).toEqual([
      ['b', 1],
      ['default', 2],
    ]);
  },
  async 'failures are executions that said so, discards are ends'(storage) {
    await insert(storage, [
      newJob(1),
      newJob(2),
      newJob(3, { expiresAt: t0 + 1 }),
      newJob(4),
      newJob(5, { unique: uniqueOf() }),
    ]);
    await claim(storage, { limit: 2 });
    await move(
      storage,
      to(idOf(1), State.retryable, State.active, { runAt: t0 + minute, events: [...failed, { kind: 'job.retrying' }] }),
    );
    await move(storage, to(idOf(2), State.discarded, State.active, { events: [...failed, { kind: 'job.discarded' }] }));
    await move(storage, to(idOf(2), State.discarded, State.discarded, { deadLetter: true }));
    await claim(storage, {}, t0 + 1);
    await move(storage, to(idOf(4), State.cancelled, State.active), t0 + 8);
    await insert(storage, [newJob(6, { unique: uniqueOf({ onConflict: 'replace' }) })]);
    await storage.jobs.remove([idOf(6)], { from: Waiting }, t0);
    expect(await storage.registry.statistics(t0)).toEqual([
      sums(t0, {
        ...{ enqueued: 6, started: 3, failed: 2, retried: 1, discarded: 2, cancelled: 2, expired: 1 },
        ...{ waitMs: 1, cancelledMs: 7 },
        // The expired job and the replaced one did not run.
        histogram: { [codeOf('wait', 0)]: 3, [codeOf('discarded', 0)]: 1, [codeOf('cancelled', 7)]: 1 },
      }),
    ]);
  },
  async 'durations are counted by type and bucket, waits of later attempts apart, whether jobs change one by one or at once'(
    storage,
  ) {
    const start = t0 + second;
    const types = ['email.send', 'report.make'];
    await insert(
      storage,
      Array.from({ length: 40 }, (_, n) => newJob(n, { type: types[n % 2] ?? '', createdAt: t0 })),
      t0,
    );
    await claim(storage, { limit: 30 }, start);
    for (let n = 0; n < 10; n++) await claimOne(storage, {}, start);
    await storage.jobs.transition(
      Array.from({ length: 30 }, (_, n) =>
        to(idOf(n), State.completed, State.active, { result: null, events: [{ kind: 'job.completed' }] }),
      ),
      start + 30,
    );
    for (let n = 30; n < 40; n++) {
      await move(storage, to(idOf(n), State.available, State.active, { runAt: start, events: failed }), start + 10 * n);
    }
    await claim(storage, { limit: 10 }, start + second);
    const again = [300, 310, 320, 330, 340, 350, 360, 370, 380, 390].map((ms) => second - ms);
    expect(await storage.registry.statistics(t0)).toEqual(
      types.map((type, odd) => {
        const waits = again.filter((_, n) => n % 2 === odd);
        const histogram: Record<number, number> = { [codeOf('wait', second)]: 20, [codeOf('completed', 30)]: 15 };
        for (const code of waits.map((ms) => codeOf('waitAgain', ms))) histogram[code] = (histogram[code] ?? 0) + 1;
        const waitAgainMs = waits.reduce((sum, ms) => sum + ms, 0);
        return {
          ...sums(t0, { enqueued: 20, started: 25, completed: 15, failed: 5, retried: 5, durationMs: 450 }),
          ...{ type, histogram, waitMs: 20 * second + waitAgainMs, waitAgainMs },
        };
      }),
    );
  },
  async 'many commits in a minute add up exactly'(storage) {
    const numbers = Array.from({ length: 300 }, (_, n) => n);
    await insert(
      storage,
      numbers.map((n) => newJob(n)),
    );
    await claim(storage, { limit: 300 });
    for (const n of numbers) await move(storage, to(idOf(n), State.completed, State.active), t0 + 10 * n);
    const histogram: Record<number, number> = { [codeOf('wait', 0)]: 300 };
    for (const code of numbers.map((n) => codeOf('completed', 10 * n))) histogram[code] = (histogram[code] ?? 0) + 1;
    expect(await storage.registry.statistics(t0)).toEqual([
      sums(t0, { enqueued: 300, started: 300, completed: 300, durationMs: 10 * (299 * 150), histogram }),
    ]);
  },
  async 'they are kept by minute then queue, outlive their queue, and are pruned oldest first'(storage) {
    for (const [number, at, queue] of [
      [1, 2, 'b'],
      [2, 1, 'c'],
      [3, 2, 'a'],
      [4, 0, 'a'],
    ] as const)
      await insert(storage, [newJob(number, { queue })], t0 + at * minute);
    const left = async () =>
      (await storage.registry.statistics(0)).map(({ queue, minute: at }) => [queue, (at - t0) / minute]);
    await storage.jobs.remove([idOf(2)], { from: Waiting }, t0);
    expect(await storage.registry.removeQueue('c')).toBe(true);
    expect(await left()).toEqual([
      ['a', 0],
      ['c', 1],
      ['a', 2],
      ['b', 2],
    ]);
    const prune = async (before: number, limit: number) =>
      goneOf(await storage.upkeep.prune({ ...keepAll, statisticsBefore: t0 + before * minute }, limit));
    expect(await prune(0, 9)).toBe(0);
    expect(await prune(3, 3)).toBe(3);
    expect(await left()).toEqual([['b', 2]]);
    expect(await prune(3, 3)).toBe(1);
  },
};
