import { describe, expect, test } from 'vitest';
import { StatisticsStream } from '../../src/realtime/streams/statistics-stream.ts';
import { bench } from '../support/engine.ts';
import { expectRefusal } from '../support/refusal.ts';
import { call, send } from '../support/request.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';
import { openStream } from '../support/streams.ts';

const path = '/admin/stats/stream';

describe.each(storages)('the stream of statistics, $name', ({ url }) => {
  test('has the answer of GET /admin/stats at once, and again only after a change', async () => {
    await using server = await serve({ storage: url(), realtime: { statisticsMs: 10, heartbeatMs: 50 } });
    using stream = await openStream(server.url, path);
    expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream' });
    const [head, first] = await stream.events.take(2);
    expect(head).toEqual({ retry: '3000', id: '', data: {} });
    const { body } = await call<object>(server.url, '/admin/stats');
    expect(first?.data).toEqual({ ...body, uptime_seconds: expect.any(Number) });
    // Some ten readings later.
    await stream.comments.take(3);
    expect(stream.text.match(/^event: /gm)).toHaveLength(1);
    await call(server.url, '/jobs', { type: 'a.b', args: [] });
    expect((await stream.events.take(1))[0]).toMatchObject({
      event: 'message',
      data: { queues: 1, jobs: { available: 1 } },
    });
  });
});

test('the stream needs no log of events, and ends with the server', async () => {
  const server = await serve({ events: false });
  using stream = await openStream(server.url, path);
  await stream.events.take(2);
  await server.close();
  expect(await stream.events.rest()).toEqual([]);
});

test('the stream counts as one of its client, takes no other parameters, and gives its place back', async () => {
  await using server = await serve({ realtime: { connectionsPerClient: 1 } });
  expectRefusal(await send(server.url, { path: `/ojs/v1${path}?queue=q` }), 400, 'invalid_request');
  const stream = await openStream(server.url, path);
  await stream.events.take(2);
  expectRefusal(await send(server.url, { path: `/ojs/v1${path}` }), 429, 'rate_limited');
  expectRefusal(await send(server.url, { path: '/ojs/v1/events/stream' }), 429, 'rate_limited');
  stream[Symbol.dispose]();
  await expect.poll(async () => (await openStream(server.url, path)).status).toBe(200);
});

test('all who follow share one reading an interval', async () => {
  await using b = await bench('memory:');
  const shared = new StatisticsStream(b.engine, 60_000);
  const [one, other] = await Promise.all([shared.latest(), shared.latest()]);
  expect(one).toBe(other);
  expect(await shared.latest()).toBe(one);
  const unshared = new StatisticsStream(b.engine, 0);
  expect(await unshared.latest()).not.toBe(await unshared.latest());
});
