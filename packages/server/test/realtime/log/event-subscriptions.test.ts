import { State } from '@ojs-ts/core/job';
import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { silentLog } from '../../../src/engine/options.ts';
import { EventSubscriptions, type Gap, type Topic } from '../../../src/realtime/log/event-subscriptions.ts';
import type { LogEvent } from '../../../src/realtime/log/log-events.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { pagesThroughJson, recordsOf } from '../../storage/suite/dump.ts';
import { keepAll } from '../../storage/suite/tools.ts';
import { type Bench, bench, items, newJob } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

/** A follower that keeps what it is told, and can be waited for. */
class Recorder {
  readonly events: LogEvent[] = [];
  readonly gaps: Gap[] = [];
  readonly live: Promise<void>;
  readonly close: () => void;
  #wake: () => void = () => {};

  constructor(subscriptions: EventSubscriptions, topic: Topic, after?: number) {
    const follower = {
      onEvent: (event: LogEvent) => {
        this.events.push(event);
        this.#wake();
      },
      onGap: (gap: Gap) => {
        this.gaps.push(gap);
      },
    };
    const { live, close } = subscriptions.subscribe(topic, follower, after);
    this.live = live;
    this.close = close;
  }

  async until(count: number): Promise<readonly LogEvent[]> {
    while (this.events.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.events;
  }

  get positions(): readonly number[] {
    return this.events.map(({ position }) => position);
  }

  get kinds(): readonly string[] {
    return this.events.map(({ entry }) => entry[0]);
  }
}

async function follow(b: Bench, topic: Topic, after?: number): Promise<Recorder> {
  const recorder = new Recorder(b.engine.subscriptions, topic, after);
  await recorder.live;
  return recorder;
}

/**
 * Waits until the log was read so often. A follower that joins and a page with an event are each followed by a look for
 * more, which must not see the next push.
 */
function readsOf(storage: Storage): (count: number) => Promise<void> {
  const reads = vi.spyOn(storage, 'events');
  return (count) =>
    expect.poll(() => reads.mock.settledResults.map(({ type }) => type)).toEqual(Array(count).fill('fulfilled'));
}

describe.each(storages)('subscriptions to the event log, $name', ({ url }) => {
  test('each follower gets each position once, in any interleaving', async () => {
    const step = fc.oneof(
      fc.record({ push: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ after: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }) }),
      fc.constant({ leave: true }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        await using b = await bench(url());
        const followers: { readonly from: number; readonly recorder: Recorder }[] = [];
        const pushes: Promise<unknown>[] = [];
        let pushed = 0;
        for (const one of steps) {
          if ('push' in one) {
            // Not awaited, so that it is under way while followers come and go.
            pushes.push(b.engine.jobs.push(items(Array.from({ length: one.push }, () => newJob(b.clock.now())))));
            pushed += one.push;
          } else if ('leave' in one) {
            followers.shift()?.recorder.close();
          } else {
            const { newest } = await b.engine.subscriptions.ends();
            const after = one.after === undefined ? undefined : Math.floor(one.after * newest);
            const recorder = await follow(b, 'all', after);
            followers.push({ from: after ?? recorder.events[0]?.position ?? -1, recorder });
          }
        }
        await Promise.all(pushes);
        const { newest } = await b.engine.subscriptions.ends();
        expect(newest).toBe(pushed);
        const marker = await b.push();
        for (const { from, recorder } of followers) {
          while (recorder.events.at(-1)?.entry[1] !== marker) await recorder.until(recorder.events.length + 1);
          const first = recorder.positions[0] ?? 0;
          if (from >= 0) expect(first).toBeLessThanOrEqual(from + 1);
          expect(recorder.positions).toEqual(Array.from({ length: newest + 2 - first }, (_, index) => first + index));
        }
      }),
      { numRuns: 30 },
    );
  });

  test('a log that went back and grew beyond the last event between two reads is a gap', async () => {
    await using b = await bench(url());
    const { storage } = b.engine;
    const push = async (count: number) => {
      for (let number = 0; number < count; number++) {
        b.clock.advance(1_000);
        await b.push();
      }
    };
    await push(1);
    const before = await recordsOf(storage);
    const subscriptions = new EventSubscriptions({ storage, log: silentLog, kept: true, pollMs: 3_600_000 });
    const all = new Recorder(subscriptions, 'all');
    await all.live;
    await push(3);
    subscriptions.wake();
    await all.until(3);
    await storage.clear();
    await storage.backup.restore(pagesThroughJson(before));
    await push(5);
    subscriptions.wake();
    await expect.poll(() => all.positions.at(-1)).toBe(6);
    await push(1);
    subscriptions.wake();
    await expect.poll(() => all.positions.at(-1)).toBe(7);
    // Told once. Where the log is taken up again depends on whether the first reading had looked for more.
    expect(all.gaps).toMatchObject([{ kind: 'unknown' }]);
    subscriptions.close();
  });

  test('a log that was pruned in front of its reader is a gap', async () => {
    await using b = await bench(url());
    const { storage } = b.engine;
    const read = readsOf(storage);
    const subscriptions = new EventSubscriptions({ storage, log: silentLog, kept: true, pollMs: 3_600_000 });
    const all = new Recorder(subscriptions, 'all');
    await all.live;
    await read(2);
    await b.push();
    subscriptions.wake();
    await all.until(1);
    await read(4);
    b.clock.advance(1_000);
    for (let count = 0; count < 3; count++) await b.push();
    b.clock.advance(1_000);
    const until = b.clock.now();
    await storage.upkeep.prune({ ...keepAll, events: { before: until, keep: 99 } }, 9);
    await b.push();
    subscriptions.wake();
    await all.until(2);
    expect(all.positions).toEqual([1, 5]);
    expect(all.gaps).toEqual([{ kind: 'gone', resumedAt: 4, until, missed: 3 }]);
    subscriptions.close();
  });

  test('a log of which nothing is left in front of its reader is a gap', async () => {
    await using b = await bench(url());
    const { storage } = b.engine;
    const read = readsOf(storage);
    const subscriptions = new EventSubscriptions({ storage, log: silentLog, kept: true, pollMs: 3_600_000 });
    const all = new Recorder(subscriptions, 'all');
    await all.live;
    await read(2);
    await b.push();
    b.clock.advance(1_000);
    await storage.upkeep.prune({ ...keepAll, events: { before: b.clock.now(), keep: 99 } }, 9);
    subscriptions.wake();
    await expect.poll(() => all.gaps).toEqual([{ kind: 'gone', resumedAt: 1, until: null, missed: 1 }]);
    await b.push();
    subscriptions.wake();
    await all.until(1);
    expect(all.positions).toEqual([2]);
    expect(all.gaps).toHaveLength(1);
    subscriptions.close();
  });

  test('collects the events of a topic after a position, the newest ones if there are too many', async () => {
    await using b = await bench(url());
    const job = await b.start(null);
    await b.push({ queue: 'b' });
    await b.engine.protocol.settle({ id: job.id, claim: job.claim, worker: null, kind: 'ack', result: null });
    const collect = async (after: number, limit: number) => {
      const { events, gap } = await b.engine.subscriptions.collect({ job: job.id }, after, limit);
      return { kinds: events.map(({ entry }) => entry[0]), gap };
    };
    expect(await collect(0, 9)).toEqual({ kinds: ['job.enqueued', 'job.started', 'job.completed'], gap: null });
    expect(await collect(1, 1)).toEqual({ kinds: ['job.completed'], gap: null });
    expect(await collect(4, 9)).toEqual({ kinds: [], gap: null });
  });

  test('a follower that throws, or that another one closes, does not affect others', async () => {
    await using b = await bench(url());
    const closed = await follow(b, 'all');
    await b.engine.subscriptions.subscribe('all', {
      onEvent: () => {
        closed.close();
        throw new Error('broken');
      },
    }).live;
    const after = await follow(b, 'all');
    await b.push();
    await b.push();
    await after.until(2);
    expect(closed.events.length).toBeLessThanOrEqual(1);
  });

  test('an emptied store is read from its beginning', async () => {
    await using b = await bench(url());
    for (let count = 0; count < 3; count++) await b.push();
    const all = await follow(b, 'all');
    await b.engine.storage.clear();
    const id = await b.push({ state: State.available });
    const [first] = await all.until(1);
    expect([first?.position, first?.entry[1]]).toEqual([1, id]);
  });
});

/** A storage that tells of nothing and counts its reads of the log. */
function deaf(storage: Storage): { readonly storage: Storage; readonly reads: () => number } {
  let reads = 0;
  return {
    reads: () => reads,
    storage: {
      ...storage,
      subscribe: async () => ({ [Symbol.asyncDispose]: async () => {} }),
      events: (after, limit) => {
        reads++;
        return storage.events(after, limit);
      },
    },
  };
}

test('nothing is read without followers, nor after the last one has closed', async () => {
  const { storage, reads } = deaf(memoryStorage());
  await using b = await bench('memory:', { storage });
  const { subscriptions } = b.engine;
  subscriptions.wake();
  await b.push();
  subscriptions.wake();
  expect(reads()).toBe(0);
  const all = await follow(b, 'all');
  all.close();
  const before = reads();
  await b.push();
  subscriptions.wake();
  expect(reads()).toBe(before);
  expect(subscriptions.followers).toBe(0);
});

test('a follower that catches up during a read gets no event twice', async () => {
  const { storage } = deaf(memoryStorage());
  await using b = await bench('memory:', { storage });
  const { subscriptions } = b.engine;
  const all = await follow(b, 'all');
  await b.push();
  subscriptions.wake();
  await all.until(1);
  for (let count = 0; count < 3; count++) await b.push();
  const late = await follow(b, 'all', 0);
  await all.until(4);
  expect(late.positions).toEqual([1, 2, 3, 4]);
  expect(all.positions).toEqual([1, 2, 3, 4]);
});

test('a follower that catches up is told of events that were pruned between two of its pages', async () => {
  await using b = await bench('memory:');
  const { subscriptions, storage } = b.engine;
  const push = (count: number) => b.engine.jobs.push(items(Array.from({ length: count }, () => newJob(b.clock.now()))));
  for (const count of [1_000, 500, 10]) {
    await push(count);
    b.clock.advance(1_000);
  }
  const seen: number[] = [];
  const gaps: Gap[] = [];
  const follower = {
    onEvent: () => {},
    onReplay: async (events: readonly LogEvent[]) => {
      if (seen.length === 0)
        await storage.upkeep.prune({ ...keepAll, events: { before: b.clock.now() - 1_000, keep: 9_999 } }, 9_999);
      seen.push(...events.map(({ position }) => position));
    },
    onGap: (gap: Gap) => void gaps.push(gap),
  };
  await subscriptions.subscribe('all', follower, 0).live;
  expect(seen).toHaveLength(1_010);
  expect(seen.slice(999, 1_001)).toEqual([1_000, 1_501]);
  expect(gaps).toMatchObject([{ kind: 'gone', resumedAt: 1_500, missed: 500 }]);
});

test('an event that is committed while the first follower joins is delivered, though its wake-up was too early', async () => {
  const { storage } = deaf(memoryStorage());
  let joining = false;
  const events: Storage['events'] = async (after, limit) => {
    const read = await storage.events(after, limit);
    if (joining) {
      joining = false;
      await b.push();
      subscriptions.wake();
    }
    return read;
  };
  await using b = await bench('memory:', { storage });
  const subscriptions = new EventSubscriptions({
    storage: { ...storage, events },
    log: silentLog,
    kept: true,
    pollMs: 3_600_000,
  });
  await b.push();
  joining = true;
  const all = new Recorder(subscriptions, 'all');
  await all.until(1);
  expect(all.positions).toEqual([2]);
  subscriptions.close();
});

test('the poll finds events without a wake-up', async () => {
  const { storage } = deaf(memoryStorage());
  await using b = await bench('memory:', { storage });
  const subscriptions = new EventSubscriptions({ storage, log: silentLog, kept: true, pollMs: 5 });
  const all = new Recorder(subscriptions, 'all');
  await all.live;
  await b.push();
  await all.until(1);
  subscriptions.close();
});

test('after an error of the log reading continues, and the error is logged once', async () => {
  const memory = memoryStorage();
  let broken = false;
  const storage: Storage = {
    ...memory,
    events: (after, limit) => (broken ? Promise.reject(new Error('away')) : memory.events(after, limit)),
  };
  const told: string[] = [];
  const log = {
    ...silentLog,
    warn: (_: object, message: string) => told.push(message),
    info: (_: object, message: string) => told.push(message),
  };
  await using b = await bench('memory:', { storage });
  const subscriptions = new EventSubscriptions({ storage, log, kept: true, pollMs: 2 });
  const all = new Recorder(subscriptions, 'all');
  await all.live;
  broken = true;
  await b.push();
  await expect.poll(() => told).toEqual(['event log unreadable']);
  broken = false;
  await all.until(1);
  await expect.poll(() => told).toEqual(['event log unreadable', 'event log readable again']);
  broken = true;
  await expect(new Recorder(new EventSubscriptions({ storage, log, kept: true }), 'all').live).rejects.toThrow('away');
  subscriptions.close();
});

test('between events for a thousand followers other work has its turn, and who joins there gets the rest', async () => {
  await using b = await bench('memory:');
  const { subscriptions } = b.engine;
  const seen: string[] = [];
  const others = Array.from({ length: 1_000 }, () => subscriptions.subscribe('all', { onEvent: () => {} }).live);
  await Promise.all(others);
  let late: Recorder | null = null;
  const slow = subscriptions.subscribe('all', {
    onEvent: ({ position }) => {
      seen.push(`event ${position}`);
      setImmediate(() => seen.push(`other work ${position}`));
      if (position === 2) setImmediate(() => (late = new Recorder(subscriptions, 'all')));
      // A millisecond of work, as the deliveries to a thousand clients are.
      const until = performance.now() + 1;
      while (performance.now() < until);
    },
  });
  await slow.live;
  await b.engine.jobs.push(items(Array.from({ length: 5 }, () => newJob(b.clock.now()))));
  await expect.poll(() => seen.length).toBe(10);
  expect(seen).toEqual([1, 2, 3, 4, 5].flatMap((number) => [`event ${number}`, `other work ${number}`]));
  await expect.poll(() => late?.positions).toEqual([3, 4, 5]);
});
