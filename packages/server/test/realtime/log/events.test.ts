import { uuidFrom } from '@ojs-ts/core';
import { readEventId } from '@ojs-ts/core/events';
import { State } from '@ojs-ts/core/job';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { type EventQuery, readEvents } from '../../../src/realtime/log/events.ts';
import { type NewestPage, readNewestEvents } from '../../../src/realtime/log/newest-events.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { type Bench, bench, items, newJob } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

const all: EventQuery = { after: null, types: [], queues: [], jobTypes: [], limit: 1_000 };

function read(b: Bench, query: Partial<EventQuery> = {}) {
  return readEvents(b.engine.storage, 'ojs://test', { ...all, ...query });
}

const failure = { code: 'x', type: 'x', message: 'm', names: [] };

describe.each(storages)('events, $name', ({ url }) => {
  test('pages of any size, and new events between them: none is skipped, none is repeated', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 7 }), fc.nat(9)), { minLength: 1, maxLength: 12 }),
        async (steps) => {
          await using b = await bench(url());
          const seen: string[] = [];
          let after: string | null = null;
          for (const [limit, jobs] of steps) {
            if (jobs > 0) await b.engine.jobs.push(items(Array.from({ length: jobs }, () => newJob(b.clock.now()))));
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
        },
      ),
      { numRuns: 15 },
    );
  });

  const it = testWith(() => bench(url()));

  it('one rare event among many is found by one read of the storage', async (b) => {
    const { storage } = b.engine;
    await storage.registry.pauseQueue('a', true, b.clock.now());
    for (let at = 0; at < 11; at++)
      await storage.jobs.insert([Array.from({ length: 1_000 }, () => newJob(b.clock.now()))], b.clock.now());
    let reads = 0;
    const counting: Storage = {
      ...storage,
      events: (...range) => {
        reads++;
        return storage.events(...range);
      },
    };
    const query = { after: null, types: ['queue.*'], queues: [], jobTypes: [], limit: 10 };
    const page = await readEvents(counting, 'ojs://test', query);
    expect(page).toMatchObject({
      events: [{ type: 'queue.paused' }],
      cursor: expect.stringMatching(/^11001\./),
      hasMore: false,
      gap: false,
    });
    // One more for the time of the last event, which the cursor carries.
    expect(reads).toBe(2);
  });

  it('the newest matching events come first, page by page, to the same as forwards', async (b) => {
    for (let at = 0; at < 3; at++) {
      await b.push();
      await b.engine.storage.registry.pauseQueue('a', at % 2 === 0, b.clock.now());
      await b.start('w1', { queue: 'b' });
    }
    const newest = (query: Partial<EventQuery>) =>
      readNewestEvents(b.engine.storage, 'ojs://test', { ...all, ...query });
    const forwards = (await read(b)).events.map(({ id }) => id);
    for (const limit of [1, 2, 100]) {
      const seen: string[] = [];
      for (let after: string | null = null, more = true; more; ) {
        const page: NewestPage = await newest({ after, limit });
        expect(page.newest).toMatch(new RegExp(`^${forwards.length}(\\.\\d{13})?$`));
        seen.push(...page.events.map(({ id }) => id));
        ({ cursor: after, hasMore: more } = page);
      }
      expect(seen).toEqual(forwards.toReversed());
    }
    const paused = await newest({ types: ['queue.*'], limit: 2 });
    expect(paused.events.map(({ type }) => type)).toEqual(['queue.paused', 'queue.resumed']);
    expect(paused.hasMore).toBe(true);
    const rest = await newest({ types: ['queue.*'], limit: 2, after: paused.cursor });
    expect(rest.events.map(({ type }) => type)).toEqual(['queue.paused']);
    expect(rest.hasMore).toBe(false);
    // An event's id is a cursor, too.
    const [last] = paused.events;
    expect((await newest({ types: ['queue.*'], after: last?.id ?? '' })).events).toHaveLength(2);
    const foreign = `evt_${uuidFrom(b.clock.now(), 1, ((await b.engine.storage.seed()) + 1) % 65_536)}`;
    expect(await newest({ after: foreign, limit: 1 })).toMatchObject({ gap: true, events: [{ id: forwards.at(-1) }] });
    await expect(newest({ after: 'x' })).rejects.toThrow(/not a cursor/);
  });

  it('a filter that matches nothing moves on, too', async (b) => {
    await b.push();
    const { events, cursor } = await read(b, { queues: ['none'] });
    expect(events).toEqual([]);
    expect((await read(b, { after: cursor })).events).toEqual([]);
  });

  test('a cursor before the oldest event kept reports the gap, once', async () => {
    await using b = await bench(url(), { retention: { eventsMs: 1_000 } });
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

  it('a cursor from before a reset starts at the beginning, and reports the gap', async (b) => {
    for (let count = 0; count < 5; count++) await b.push();
    const { cursor } = await read(b);
    await b.engine.storage.clear();
    const id = await b.push({ state: State.available });
    expect(await read(b, { after: cursor })).toMatchObject({
      events: [{ subject: id }],
      cursor: expect.stringMatching(/^1\./),
      hasMore: false,
      gap: true,
    });
  });

  it('every kind of a job has the members of ojs-events §4.1, and job, state and trace (§8.3)', async (b) => {
    const retry = { maxAttempts: 2, jitter: false, initialIntervalMs: 1_000 };
    const at = (ms: number) => new Date(b.clock.now() + ms).toISOString();
    await b.push({
      queue: 'scheduled',
      state: State.scheduled,
      runAt: b.clock.now() + 60_000,
      priority: 5,
      trace: 'aa',
    });
    await b.push({ queue: 'urgent', priority: 7 });
    await b.engine.lifecycle.cancel(await b.push({ queue: 'cancelled' }), null);
    await b.push({ queue: 'expired', expiresAt: b.clock.now() + 500 });
    const failing = await b.start('w1', { queue: 'failing', retry });
    b.clock.advance(700);
    await b.beat('w1', [failing.id]);
    await b.engine.protocol.settle({ id: failing.id, claim: failing.claim, worker: null, kind: 'fail', failure });
    const passing = await b.start(null, { queue: 'passing' });
    b.clock.advance(1_000);
    await b.engine.protocol.settle({
      id: passing.id,
      claim: passing.claim,
      worker: null,
      kind: 'ack',
      result: '{"n":1}',
    });
    await b.engine.upkeep.run();
    const [again] = await b.fetch({ queues: ['failing'], worker: 'w2' });
    await b.engine.protocol.settle({ id: failing.id, claim: again?.claim ?? 0, worker: null, kind: 'fail', failure });
    const { events } = await read(b, { types: ['job.*'] });
    const told = (queue: string) =>
      Object.fromEntries(
        events
          .filter(({ data }) => data.queue === queue)
          .map(({ type, data: { job_id, job_type, queue: _, ...rest } }) => [type, rest]),
      );
    for (const { subject, data } of events) expect([data.job_id, data.job_type]).toEqual([subject, 'a.b']);
    const t0 = b.clock.now() - 1_700;
    const time = (ms: number) => new Date(t0 + ms).toISOString();
    const error = { code: 'x', type: 'x', message: 'm', retryable: true };
    expect(told('scheduled')).toEqual({
      'job.scheduled': { attempt: 0, state: 'scheduled', scheduled_at: time(60_000), trace_id: 'aa' },
    });
    expect(told('urgent')).toEqual({ 'job.enqueued': { attempt: 0, state: 'available', priority: 7 } });
    expect(told('cancelled')).toMatchObject({ 'job.cancelled': { state: 'cancelled', previous_state: 'available' } });
    expect(told('expired')).toMatchObject({
      'job.expired': { state: 'discarded', created_at: time(0), expired_at: time(500), ttl_ms: 500 },
    });
    expect(told('passing')).toMatchObject({
      'job.started': { state: 'active', previous_state: 'available', worker_id: '', attempt: 1 },
      'job.completed': { state: 'completed', previous_state: 'active', duration_ms: 1_000, attempt: 1 },
    });
    expect(told('failing')).toMatchObject({
      'job.started': { worker_id: 'w2', attempt: 2 },
      'job.heartbeat': { worker_id: 'w1', attempt: 1, visible_until: time(700 + 1_800_000) },
      'job.retrying': { attempt: 1, max_attempts: 2, next_retry_at: time(1_700), error },
      'job.state_changed': { state: 'available', previous_state: 'retryable' },
      'job.failed': { attempt: 2, error, duration_ms: 0 },
      'job.discarded': { total_attempts: 2, last_error: { code: 'x', message: 'm' } },
    });
    expect(at(0)).toBe(time(1_700));
  });

  it('the id of an event is a cursor, too; one of another store starts at the beginning (ojs-events §6.4)', async (b) => {
    for (let count = 0; count < 3; count++) await b.push();
    const { events } = await read(b);
    expect(await read(b, { after: events[1]?.id ?? '' })).toMatchObject({
      events: [{ id: events[2]?.id }],
      gap: false,
    });
    const foreign = `evt_${uuidFrom(b.clock.now(), 1, ((await b.engine.storage.seed()) + 1) % 65_536)}`;
    expect(await read(b, { after: foreign })).toMatchObject({ events, gap: true });
  });

  test.each(['x', '-1', '1.6', '1.', '1e3', ' 1', '99999999999999999999', 'evt_', 'evt_x'])(
    '%j is no cursor',
    async (after) => {
      await using b = await bench(url());
      await expect(read(b, { after })).rejects.toMatchObject({ code: 'invalid_request' });
    },
  );
});

test('the id of an event encodes time, position and store; no other id does', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 47), fc.nat(Number.MAX_SAFE_INTEGER), fc.nat(0xffff), (at, position, seed) => {
      expect(readEventId(`evt_${uuidFrom(at, position, seed)}`)).toEqual({ at, position, seed });
    }),
  );
  for (const id of ['', 'evt_', uuidFrom(1, 2, 3), 'evt_019539a4-b68c-7def-b000-aabbccddeeff'])
    expect(readEventId(id)).toBeNull();
});
