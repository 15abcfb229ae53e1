import { type EventKind, State } from '@ojs-ts/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EventQuery, readEvents } from '../../src/engine/events.ts';
import { type Bench, bench, newJob, urls } from '../support/engine.ts';

function read(b: Bench, query: Partial<EventQuery> = {}) {
  return readEvents(b.engine.storage, 'ojs://test', { after: null, types: [], queues: [], jobTypes: [], limit: 1_000, ...query });
}

const failure = { code: 'x', type: 'x', message: 'm', names: [] };

describe.each(urls)('events, %s', (url) => {
  test('a job’s events come in the order of its life (§9)', async () => {
    await using b = await bench(url);
    const job = await b.start('w1', { retry: { maxAttempts: 2, jitter: false, initialIntervalMs: 1_000 } });
    await b.engine.settle({ id: job.id, claim: job.claim, worker: null, kind: 'fail', failure });
    b.clock.advance(1_000);
    const [again] = await b.fetch({ queues: [job.queue] });
    await b.engine.settle({ id: job.id, claim: again?.claim ?? 0, worker: null, kind: 'fail', failure });
    const kinds: EventKind[] = ['job.enqueued', 'job.started', 'job.failed', 'job.retrying', 'job.started', 'job.failed', 'job.discarded'];
    const { events, hasMore, gap } = await read(b);
    expect(events.map(({ type }) => type)).toEqual(kinds);
    expect(events.every(({ subject }) => subject === job.id)).toBe(true);
    expect([hasMore, gap]).toEqual([false, false]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect((await read(b)).events).toEqual(events);
  });

  test('pages of any size, and new events between them: none is skipped, none comes twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 1, max: 7 }), fc.nat(9)), { minLength: 1, maxLength: 12 }), async (steps) => {
        await using b = await bench(url);
        const seen: string[] = [];
        let after: string | null = null;
        for (const [limit, jobs] of steps) {
          if (jobs > 0) await b.engine.push(Array.from({ length: jobs }, () => newJob(b.clock.now())));
          const page = await read(b, { after, limit });
          expect(page.events.length).toBeLessThanOrEqual(limit);
          expect(page.gap).toBe(false);
          seen.push(...page.events.map(({ id }) => id));
          after = page.cursor;
        }
        for (let more = true; more; ) {
          const page = await read(b, { after, limit: 5 });
          seen.push(...page.events.map(({ id }) => id));
          after = page.cursor;
          more = page.hasMore;
        }
        expect(seen).toEqual((await read(b)).events.map(({ id }) => id));
        expect(await read(b, { after })).toEqual({ events: [], cursor: after, hasMore: false, gap: false });
      }),
      { numRuns: 15 },
    );
  });

  test('filters are combined, a trailing * takes a prefix', async () => {
    await using b = await bench(url);
    const first = await b.start('w1', { queue: 'a', type: 'x.y' });
    await b.start('w1', { queue: 'b', type: 'x.z' });
    await b.push({ queue: 'a', type: 'x.z' });
    await b.engine.storage.registry.pauseQueue('a', true, b.clock.now());
    const kinds = async (query: Partial<EventQuery>) => (await read(b, query)).events.map(({ type }) => type);
    expect(await kinds({ types: ['job.started'] })).toEqual(['job.started', 'job.started']);
    expect(await kinds({ types: ['queue.*', 'job.started'], queues: ['a'] })).toEqual(['job.started', 'queue.paused']);
    expect(await kinds({ queues: ['a'], jobTypes: ['x.y'] })).toEqual(['job.enqueued', 'job.started']);
    expect(await kinds({ types: ['job.*'], queues: ['a', 'b'], jobTypes: ['x.z'] })).toHaveLength(3);
    expect(await kinds({ types: ['job'] })).toEqual([]);
    expect((await read(b, { types: ['job.started'], limit: 1 })).events).toMatchObject([{ subject: first.id }]);
  });

  test('a filter that matches nothing moves on, too', async () => {
    await using b = await bench(url);
    await b.push();
    const { events, cursor } = await read(b, { queues: ['none'] });
    expect(events).toEqual([]);
    expect((await read(b, { after: cursor })).events).toEqual([]);
  });

  test('a cursor before the oldest event kept tells of the gap, once', async () => {
    await using b = await bench(url, { retention: { eventsMs: 1_000 } });
    for (let count = 0; count < 3; count++) await b.push();
    const { cursor } = await read(b, { limit: 1 });
    b.clock.advance(2_000);
    await b.engine.upkeep.run();
    const emptied = await read(b, { after: cursor });
    expect(emptied).toMatchObject({ events: [], gap: true });
    expect(await read(b, { after: emptied.cursor })).toMatchObject({ events: [], gap: false });
    await b.push();
    expect(await read(b, { after: emptied.cursor })).toMatchObject({ events: [{ type: 'job.enqueued' }], gap: false });
    expect(await read(b, { after: cursor })).toMatchObject({ events: [{ type: 'job.enqueued' }], gap: true });
  });

  test('a cursor from before the store was emptied begins again, and tells of the gap', async () => {
    await using b = await bench(url);
    for (let count = 0; count < 5; count++) await b.push();
    const { cursor } = await read(b);
    await b.engine.storage.clear();
    const id = await b.push({ state: State.available });
    expect(await read(b, { after: cursor })).toMatchObject({ events: [{ subject: id }], cursor: '1', hasMore: false, gap: true });
  });

  test.each(['x', '-1', '1.5', '1e3', ' 1', '99999999999999999999'])('%j is no cursor', async (after) => {
    await using b = await bench(url);
    await expect(read(b, { after })).rejects.toMatchObject({ code: 'invalid_request' });
  });
});
