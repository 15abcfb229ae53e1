import { type Limit, type LimitNumbers, queueLimitKey, State } from '@ojs-ts/core/job';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import { checkProperty } from '../../support/property.ts';
import { claimAll, countErrors, ids, insert, limitOf, move, newJob, t0, to } from '../suite/tools.ts';

const keys = ['a', 'b', 'c', 'd'];
const queues = ['x', 'y'];

const numbers = fc.record({
  concurrency: fc.option(fc.nat({ max: 3 })),
  rates: fc.array(fc.record({ count: fc.integer({ min: 1, max: 3 }), perMs: fc.constantFrom(5, 12) }), {
    maxLength: 2,
  }),
});
const queue = fc.constantFrom(...queues);
const change = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      queue,
      keys: fc.subarray(keys),
      priority: fc.nat({ max: 2 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('claim' as const), queue, limit: fc.nat({ max: 3 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      which: fc.nat(),
      to: fc.constantFrom(State.completed, State.available),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('override' as const),
      key: fc.constantFrom(...keys, ...queues.map(queueLimitKey)),
      numbers,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: -3, max: 9 }) }) },
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

interface Waiting {
  readonly id: string;
  readonly queue: string;
  readonly keys: readonly string[];
  readonly priority: number;
  readonly place: number;
}

/** The rules of limits, by looking at every job that waits and at every start that is kept. */
class Plain {
  waiting: Waiting[] = [];
  active: Waiting[] = [];
  readonly numbers = new Map<string, LimitNumbers>();
  readonly starts = new Map<string, number[]>();
  lastStart = 0;

  claim(
    queue: string,
    limit: number,
    asked: number,
  ): { readonly jobs: readonly string[]; readonly again: number | null } {
    const now = Math.max(asked, this.lastStart);
    const taken: string[] = [];
    while (taken.length < limit) {
      const best = this.waiting
        .filter((job) => job.queue === queue && this.#keysOf(job).every((key) => this.#hasRoom(key, now)))
        .sort((a, b) => b.priority - a.priority || a.place - b.place)[0];
      if (!best) break;
      this.waiting = this.waiting.filter((job) => job !== best);
      this.active.push(best);
      for (const key of this.#keysOf(best)) {
        const starts = this.starts.get(key) ?? [];
        const longest = Math.max(0, ...this.#rates(key).map(({ perMs }) => perMs));
        const at = Math.max(now, starts.at(-1) ?? now);
        // Starts are noted under a rate only, and go with the longest one of the time.
        if (longest === 0) continue;
        this.lastStart = Math.max(this.lastStart, at);
        this.starts.set(
          key,
          [...starts, at].filter((start) => start > at - longest),
        );
      }
      taken.push(best.id);
    }
    const held = new Set(this.waiting.filter((job) => job.queue === queue).flatMap((job) => this.#keysOf(job)));
    const times = [...held]
      .flatMap((key) => Math.max(...this.#reopenings(key), Number.NEGATIVE_INFINITY))
      .filter((at) => at > now);
    return { jobs: taken, again: taken.length < limit && times.length > 0 ? Math.min(...times) : null };
  }

  #keysOf({ queue, keys }: Waiting): readonly string[] {
    return [queueLimitKey(queue), ...keys];
  }

  #rates(key: string): LimitNumbers['rates'] {
    return this.numbers.get(key)?.rates ?? [];
  }

  #reopenings(key: string): readonly number[] {
    const starts = this.starts.get(key) ?? [];
    return this.#rates(key).map(({ count, perMs }) => (starts.at(-count) ?? Number.NEGATIVE_INFINITY) + perMs);
  }

  #hasRoom(key: string, now: number): boolean {
    const concurrency = this.numbers.get(key)?.concurrency ?? Number.POSITIVE_INFINITY;
    const active = this.active.filter((job) => this.#keysOf(job).includes(key)).length;
    return active < concurrency && this.#reopenings(key).every((at) => at <= now);
  }
}

test('limits hold back the same jobs as a scan of all waiting jobs does', async () => {
  const property = fc.asyncProperty(
    fc.array(change, { minLength: 10, maxLength: 80, size: 'max' }),
    async (changes) => {
      await using storage = memoryStorage();
      const plain = new Plain();
      let now = t0 + 1000;
      let latest = now;
      let place = 0;
      const apply = async (change: Change) => {
        if (change.kind === 'pass') now += change.ms;
        latest = Math.max(now, latest);
        if (change.kind === 'insert') {
          const { queue, keys, priority } = change;
          const limits: Limit[] = keys.map((key) => limitOf(key));
          const job = newJob(++place, { queue, priority, limits });
          await insert(storage, [job], now);
          plain.waiting.push({ id: job.id, queue, keys, priority, place });
        }
        if (change.kind === 'claim') {
          const { queue, limit } = change;
          const { jobs, again } = await claimAll(storage, { queues: [queue], limit }, now);
          const expected = plain.claim(queue, limit, now);
          expect(ids(jobs)).toEqual(expected.jobs);
          // To a caller whose clock is behind what a rate was asked before, the time of its reopening may have gone by.
          if (now === latest) expect(again).toEqual(expected.again);
        }
        if (change.kind === 'end') {
          const job = plain.active[change.which % plain.active.length];
          if (!job) return;
          await move(storage, to(job.id, change.to, State.active), now);
          plain.active = plain.active.filter((other) => other !== job);
          if (change.to === State.available) plain.waiting.push({ ...job, place: ++place });
        }
        if (change.kind === 'leave') {
          const job = plain.waiting[change.which % plain.waiting.length];
          if (!job) return;
          await move(storage, to(job.id, State.cancelled, State.available), now);
          plain.waiting = plain.waiting.filter((other) => other !== job);
        }
        if (change.kind === 'override') {
          await storage.registry.overrideLimit(change.key, change.numbers, now);
          plain.numbers.set(change.key, change.numbers);
        }
      };
      for (const change of changes) await apply(change);
      expect(await countErrors(storage)).toEqual([]);
    },
  );
  await checkProperty(property, { atLeast: 150, atMost: 1_500, ms: 15_000 });
});
