import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JobRecord, State } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { jobChannel } from '../../src/realtime/streams/channel.ts';
import type { Delivery } from '../../src/realtime/streams/connection.ts';
import { filterOf, Realtime } from '../../src/realtime/streams/realtime.ts';
import { serveClocked } from '../support/clocked.ts';
import { bench, settled } from '../support/engine.ts';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { call, send } from '../support/request.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';
import { type Block, followStream, idAt, openStream } from '../support/streams.ts';

const failure = { code: 'x', type: 'x', message: 'm', names: [] };

function changes(blocks: readonly Block[]): readonly string[] {
  return blocks.map(({ event, data }) => (event === 'job.state_changed' ? `${data.from} → ${data.to}` : String(event)));
}

describe.each(storages)('streams of events, $name', (storage) => {
  const it = testWith(() => serveClocked(storage.url()));

  it('a job’s whole life as changes of state; the stream ends with it (ojs-realtime §2.1, §4.1)', async (server) => {
    const { bench: b, url } = server;
    const id = await b.push({
      queue: 'a',
      type: 'x.y',
      retry: { maxAttempts: 3, jitter: false, initialIntervalMs: 1_000 },
    });
    using stream = await openStream(url, `/jobs/${id}/events`);
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'ojs-version': '1.0',
      'x-request-id': expect.stringMatching(/^req_/),
    });
    expect(stream.headers['content-encoding']).toBeUndefined();
    expect(await stream.events.take(1)).toEqual([{ retry: '3000', id: idAt(1), data: {} }]);
    const fetch = async () => (await b.fetch({ queues: ['a'] }))[0] as JobRecord;
    const settle = (
      job: JobRecord,
      how:
        | { readonly kind: 'ack'; readonly result: null }
        | { readonly kind: 'fail'; readonly failure: typeof failure }
        | { readonly kind: 'requeue'; readonly reason: string; readonly delayMs: number },
    ) => b.engine.protocol.settle({ id, claim: job.claim, worker: null, ...how });
    await settle(await fetch(), { kind: 'requeue', reason: 'busy', delayMs: 0 });
    await settle(await fetch(), { kind: 'fail', failure });
    b.clock.advance(1_000);
    await settle(await fetch(), { kind: 'ack', result: null });
    const blocks = await stream.events.rest();
    expect(changes(blocks)).toEqual([
      'available → active',
      'active → available',
      'available → active',
      'active → retryable',
      'retryable → available',
      'available → active',
      'active → completed',
    ]);
    expect(blocks[0]).toEqual({
      id: expect.stringMatching(/^\d+\.\d{13}$/),
      event: 'job.state_changed',
      data: {
        job_id: id,
        queue: 'a',
        type: 'x.y',
        from: 'available',
        to: 'active',
        timestamp: new Date(b.clock.now() - 1_000).toISOString(),
      },
    });
    const ids = blocks.map((block) => Number(block.id));
    expect(ids).toEqual(ids.toSorted((one, other) => one - other));
    expect(new Set(ids).size).toBe(ids.length);
    expect(server.errors).toEqual([]);
  });

  it('the events of a queue, each once: creations and pauses under their own kind', async ({ bench: b, url }) => {
    await b.push({ queue: 'a' });
    using stream = await followStream(url, '/queues/a/events');
    await b.push({ queue: 'b' });
    const id = await b.push({ queue: 'a' });
    await b.push({ queue: 'a', state: State.scheduled, runAt: b.clock.now() + 60_000 });
    await b.engine.storage.registry.pauseQueue('a', true, b.clock.now());
    await b.engine.storage.registry.pauseQueue('a', false, b.clock.now());
    await b.engine.lifecycle.cancel(id, null);
    const blocks = await stream.events.take(5);
    expect(changes(blocks)).toEqual([
      'job.enqueued',
      'job.scheduled',
      'queue.paused',
      'queue.resumed',
      'available → cancelled',
    ]);
    expect(blocks[0]?.data).toMatchObject({
      specversion: '1.0',
      type: 'job.enqueued',
      subject: id,
      data: { job_id: id, queue: 'a', state: 'available' },
    });
    const polled = await call<{ events: readonly { id: string }[] }>(
      url,
      `/events?after=${Math.floor(Number(blocks[0]?.id)) - 1}&limit=1`,
    );
    expect(polled.body.events).toEqual([blocks[0]?.data]);
  });

  it('one path for all channels (both SDKs, the CLI), and what names none', async ({ bench: b, url }) => {
    const id = await b.push({ queue: 'a' });
    const channels = [`?channel=job:${id}`, '?channel=queue:a', '?channel=all', ''];
    const streams = await Promise.all(channels.map((query) => followStream(url, `/events/stream${query}`)));
    await b.engine.lifecycle.cancel(id, null);
    for (const stream of streams) expect(changes(await stream.events.take(1))).toEqual(['available → cancelled']);
    for (const stream of streams) stream[Symbol.dispose]();
    const get = (path: string) => send(url, { path: `/ojs/v1${path}`, headers: { accept: 'text/event-stream' } });
    for (const path of [
      `/jobs/${newId()}/events`,
      '/jobs/x/events',
      '/queues/none/events',
      '/queues/NONE/events',
      `/events/stream?channel=job:${newId()}`,
      '/events/stream?channel=queue:none',
    ])
      expectRefusal(await get(path), 404, 'not_found');
    for (const channel of ['jobs', 'job', 'events', 'queue', '', 'ALL'])
      expectRefusal(await get(`/events/stream?channel=${channel}`), 400, 'invalid_request');
  });

  test('a finished job has one event, its last change; then the stream ends', async () => {
    await using server = await serveClocked(storage.url(), { retention: { eventsMs: 0 } });
    const { bench: b, url } = server;
    const retry = { maxAttempts: 2, jitter: false, initialIntervalMs: 60_000 };
    const settle = async (how: 'ack' | 'fail', patch: Parameters<typeof b.push>[0] = {}) => {
      const job = await b.start(null, patch);
      await b.engine.protocol.settle(
        how === 'ack'
          ? { id: job.id, claim: job.claim, worker: null, kind: 'ack', result: null }
          : { id: job.id, claim: job.claim, worker: null, kind: 'fail', failure },
      );
      return job.id;
    };
    const soon = { expiresAt: b.clock.now() + 500, laterExpiresAt: b.clock.now() + 500 };
    const jobs: Record<string, string> = {
      'active → completed': await settle('ack'),
      'active → discarded': await settle('fail', { retry: { ...retry, maxAttempts: 1 } }),
      'available → discarded': await b.push({ queue: 'e1', ...soon }),
      'scheduled → discarded': await b.push({
        queue: 'e2',
        state: State.scheduled,
        runAt: b.clock.now() + 1_000,
        ...soon,
      }),
      'retryable → discarded': await settle('fail', { retry, ...soon }),
      'retryable → cancelled': await settle('fail', { retry }),
      'active → cancelled': (await b.start(null)).id,
    };
    await b.engine.lifecycle.cancel(jobs['retryable → cancelled'] ?? '', null);
    await b.engine.lifecycle.cancel(jobs['active → cancelled'] ?? '', null);
    b.clock.advance(500);
    await b.engine.upkeep.run();
    b.clock.advance(1);
    await b.engine.upkeep.run();
    for (const [change, id] of Object.entries(jobs)) {
      using stream = await followStream(url, `/jobs/${id}/events`);
      const blocks = await stream.events.rest();
      expect(changes(blocks)).toEqual([change]);
      expect(blocks[0]?.data).toMatchObject({ job_id: id });
      // The log is gone, so the record alone has told.
      expect((await b.engine.storage.events(0, 9)).batches).toEqual([]);
    }
  });

  it('a finished job by other names, by what has been missed, and 204 where nothing was', async ({ bench: b, url }) => {
    const job = await b.start(null, { retry: { maxAttempts: 1 } });
    await b.push();
    await b.engine.protocol.settle({ id: job.id, claim: job.claim, worker: null, kind: 'fail', failure });
    const read = async (query: string, headers: Readonly<Record<string, string>> = {}) => {
      using stream = await openStream(url, `/jobs/${job.id}/events${query}`, headers);
      return { status: stream.status, told: changes((await stream.events.rest()).slice(1)) };
    };
    expect(await read('?event_types=job.failed,job.discarded')).toEqual({
      status: 200,
      told: ['job.failed', 'job.discarded'],
    });
    expect(await read('?event_types=job.*')).toEqual({
      status: 200,
      told: ['active → discarded', 'job.failed', 'job.discarded'],
    });
    expect(await read('?event_types=queue.paused')).toEqual({ status: 204, told: [] });
    expect(await read('', { 'last-event-id': '1' })).toEqual({
      status: 200,
      told: ['available → active', 'active → discarded'],
    });
    expect(await read('', { 'last-event-id': '3' })).toEqual({ status: 200, told: ['active → discarded'] });
    expect(await read('', { 'last-event-id': '5' })).toEqual({ status: 204, told: [] });
    expect(await read('', { 'last-event-id': 'x' })).toEqual({
      status: 200,
      told: ['system.gap', 'active → discarded'],
    });
  });

  it('Last-Event-ID continues after the last event, by header, query or the id of an event (§2.5, §5.5.1)', async (server) => {
    const { bench: b, url } = server;
    const [first, second] = [await b.push({ queue: 'a' }), await b.push({ queue: 'a' })];
    await b.push({ queue: 'b' });
    await b.engine.lifecycle.cancel(first, null);
    const { body } = await call<{ events: readonly { id: string }[] }>(url, '/events?limit=1');
    const ways: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ['', { 'last-event-id': '1' }],
      ['?last_event_id=1', {}],
      ['?lastEventId=1', {}],
      ['?last_event_id=9', { 'last-event-id': '1' }],
      ['?last_event_id=0.5', { 'last-event-id': '1.5' }],
      ['', { 'last-event-id': body.events[0]?.id ?? '' }],
    ];
    const streams = await Promise.all(
      ways.map(([query, headers]) => followStream(url, `/queues/a/events${query}`, headers)),
    );
    for (const stream of streams)
      expect(changes(await stream.events.take(2))).toEqual(['job.enqueued', 'available → cancelled']);
    await b.engine.lifecycle.cancel(second, null);
    for (const stream of streams) {
      expect(changes(await stream.events.take(1))).toEqual(['available → cancelled']);
      stream[Symbol.dispose]();
    }
  });

  test('deleted events, or an unknown id: system.gap, then the existing events (§4.5)', async () => {
    await using server = await serveClocked(storage.url(), { retention: { eventsMs: 1_000 } });
    const { bench: b, url } = server;
    const began = b.clock.now();
    for (let count = 0; count < 3; count++) await b.push({ queue: 'a' });
    b.clock.advance(2_000);
    await b.engine.upkeep.run();
    await b.push({ queue: 'a' });
    const ids = ['1', 'x', '99', 'evt_019b76da-a800-7000-8000-000000000001'];
    const [gone, ...unknown] = await Promise.all(
      ids.map((id) => followStream(url, '/queues/a/events', { 'last-event-id': id })),
    );
    const blocks = await gone?.events.take(2);
    expect(blocks?.[0]).toEqual({
      id: '3',
      event: 'system.gap',
      data: {
        channel: 'queue:a',
        gap_start: new Date(began).toISOString(),
        gap_end: new Date(b.clock.now()).toISOString(),
        estimated_missed_count: 2,
      },
    });
    expect(blocks?.[1]).toMatchObject({ id: idAt(4), event: 'job.enqueued' });
    for (const stream of unknown) expect(changes(await stream.events.take(1))).toEqual(['system.gap']);
    await b.push({ queue: 'a' });
    for (const stream of unknown) {
      expect(await stream.events.take(1)).toMatchObject([{ id: idAt(5), event: 'job.enqueued' }]);
      stream[Symbol.dispose]();
    }
    gone?.[Symbol.dispose]();
  });

  it('filters are combined, by either name; a change precedes its events of the catalogue, each with its own id (§5.6)', async (server) => {
    const { bench: b, url } = server;
    const queries = [
      'event_types=job.started,queue.*&queues=a',
      'types=job.*&job_types=x.y&queues=a',
      'event_types=job.state_changed',
      'event_types=*',
    ];
    const streams = await Promise.all(queries.map((query) => followStream(url, `/events/stream?channel=all&${query}`)));
    await b.start(null, { queue: 'a', type: 'x.y' });
    await b.start(null, { queue: 'b', type: 'x.y' });
    await b.start(null, { queue: 'a', type: 'x.z' });
    await b.engine.storage.registry.pauseQueue('a', true, b.clock.now());
    const told = async (count: number) => changes((await streams.shift()?.events.take(count)) ?? []);
    expect(await told(3)).toEqual(['job.started', 'job.started', 'queue.paused']);
    expect(await told(3)).toEqual(['job.enqueued', 'available → active', 'job.started']);
    expect(await told(3)).toEqual(['available → active', 'available → active', 'available → active']);
    const blocks = (await streams.shift()?.events.take(10)) ?? [];
    expect(changes(blocks).slice(0, 3)).toEqual(['job.enqueued', 'available → active', 'job.started']);
    const ids = blocks.map(({ id }) => id?.replace(/\d{13}$/, ''));
    expect(ids).toEqual(['1.', '1.5', '2.', '3.', '3.5', '4.', '5.', '5.5', '6.', '7.']);
  });

  it('progress and heartbeats of a job in the words of ojs-realtime §4.2, §4.3, and in those of the catalogue', async (server) => {
    const { bench: b, url } = server;
    const job = await b.start('w1', { type: 'x.y', queue: 'a' });
    using stream = await followStream(url, `/jobs/${job.id}/events`);
    const data = JSON.stringify({ progress_percent: 65.5, progress_message: 'half' });
    const events = [{ kind: 'job.progress', data }] as const;
    await b.engine.storage.jobs.transition(
      [{ id: job.id, from: State.active, to: State.active, events }],
      b.clock.now(),
    );
    await b.beat('w1', [job.id]);
    const timestamp = new Date(b.clock.now()).toISOString();
    const about = {
      job_id: job.id,
      queue: 'a',
      type: 'x.y',
      job_type: 'x.y',
      state: 'active',
      attempt: 1,
      worker_id: 'w1',
      timestamp,
    };
    expect((await stream.events.take(2)).map(({ event, data }) => [event, data])).toEqual([
      [
        'job.progress',
        { ...about, duration_ms: 0, progress: 66, message: 'half', progress_percent: 65.5, progress_message: 'half' },
      ],
      ['job.heartbeat', { ...about, visible_until: expect.stringMatching(/Z$/) }],
    ]);
  });
});

test('two servers of one file: a stream of one has the events of the other, with the same ids', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-realtime-'));
  try {
    const storage = `sqlite:${join(folder, 'jobs.db')}`;
    await using one = await serve({ storage });
    await using other = await serve({ storage });
    using atOne = await followStream(one.url, '/events/stream?channel=all');
    using atOther = await followStream(other.url, '/events/stream?channel=all');
    for (const { url } of [one, other, one]) await call(url, '/jobs', { type: 'a.b', args: [] });
    const blocks = await atOne.events.take(3);
    expect(blocks.map(({ event }) => event)).toEqual(['job.enqueued', 'job.enqueued', 'job.enqueued']);
    expect(await atOther.events.take(3)).toEqual(blocks);
    using resumed = await followStream(other.url, '/events/stream', { 'last-event-id': blocks[0]?.id ?? '' });
    expect(await resumed.events.take(2)).toEqual(blocks.slice(1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a stream without events sends a comment now and then (§2.4), and no request timeout ends it', async () => {
  await using server = await serve({ headersTimeoutMs: 50, requestTimeoutMs: 100, realtime: { heartbeatMs: 20 } });
  using stream = await followStream(server.url, '/events/stream');
  // Connections are looked at every 500 ms, so after a second a timeout would have struck.
  expect(new Set(await stream.comments.take(55))).toEqual(new Set(['heartbeat']));
  await call(server.url, '/jobs', { type: 'a.b', args: [] });
  expect(await stream.events.take(1)).toMatchObject([{ event: 'job.enqueued' }]);
});

test('without an event log there is nothing to follow (OJS_EVENTS=false)', async () => {
  await using server = await serve({ events: false });
  const { body } = await call<{ job: { id: string } }>(server.url, '/jobs', { type: 'a.b', args: [] });
  for (const path of [`/jobs/${body.job.id}/events`, '/queues/default/events', '/events/stream'])
    expectRefusal(await send(server.url, { path: `/ojs/v1${path}` }), 422, 'unsupported');
  expect(await call(server.url, '/events')).toMatchObject({ status: 200, body: { events: [], has_more: false } });
});

test('a job that ends while its past is replayed ends the stream', async () => {
  await using b = await bench('memory:');
  const job = await b.start(null);
  const told: string[] = [];
  const ended = Promise.withResolvers<void>();
  const sink = {
    write: async (deliveries: readonly Delivery[]) => {
      told.push(...deliveries.map(({ message }) => message.id));
    },
    end: () => ended.resolve(),
  };
  const connection = await new Realtime(b.engine, 'ojs://test', { bufferSize: 10, ratePerSecond: 0 }).connect(sink);
  expect(await connection.openStream(jobChannel(job.id), filterOf({}), '1')).toBe(true);
  // The replay of the start waits for `run`; meanwhile the job ends, and its end is replayed as well.
  await settled();
  await b.engine.protocol.settle({ id: job.id, claim: job.claim, worker: null, kind: 'ack', result: null });
  await settled();
  expect(told).toEqual([]);
  const running = connection.run();
  await ended.promise;
  await running;
  expect(told).toEqual([idAt(2), idAt(3)]);
  expect(b.engine.subscriptions.followers).toBe(0);
});
