import { once } from 'node:events';
import { request as http, type IncomingMessage } from 'node:http';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/index.ts';
import { Outbox } from '../../src/realtime/streams/outbox.ts';
import { Pace } from '../../src/realtime/streams/pace.ts';
import { items, newJob } from '../support/engine.ts';
import { expectRefusal } from '../support/refusal.ts';
import { call, open, raw, send } from '../support/request.ts';
import { serve } from '../support/server.ts';
import { followStream, idAt, openSocket, openStream, type TestStream } from '../support/streams.ts';

test('an outbox keeps the newest, in order, and reports everything that it drops', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.oneof(fc.constant('push'), fc.nat(25))),
      (capacity, steps) => {
        const dropped: number[] = [];
        const outbox = new Outbox<number>(capacity, (item) => dropped.push(item));
        const taken: number[] = [];
        let next = 0;
        for (const step of steps) {
          if (step === 'push') outbox.push(next++);
          else taken.push(...outbox.take(Number(step)));
          expect(outbox.size).toBeLessThanOrEqual(capacity);
          expect(outbox.size).toBe(next - taken.length - dropped.length);
        }
        taken.push(...outbox.take(capacity));
        expect(taken).toEqual(taken.toSorted((one, other) => one - other));
        expect([...taken, ...dropped].toSorted((one, other) => one - other)).toEqual(
          Array.from({ length: next }, (_, index) => index),
        );
      },
    ),
  );
});

test('a pace lets a burst pass, then so many a second; 0 lets everything pass', () => {
  const pace = new Pace(100, 1_000, 0);
  expect(pace.room(0)).toBe(1_000);
  pace.spend(1_000);
  expect(pace.room(0)).toBe(0);
  expect(pace.delay()).toBe(100);
  expect(pace.room(100)).toBe(10);
  pace.spend(10);
  expect(pace.room(60_000)).toBe(1_000);
  expect(new Pace(0, 1, 0).room(0)).toBe(Number.POSITIVE_INFINITY);
  const slow = new Pace(1, 1, 0);
  slow.spend(1);
  expect(slow.delay()).toBe(1_000);
});

/** Names as long as they may be: an event of a creation is more than 1 KB. */
const queue = 'q'.repeat(128);
const type = 't'.repeat(255);

async function push(server: RunningServer, count: number): Promise<void> {
  const { engine } = server;
  for (let left = count; left > 0; left -= 500) {
    await engine.jobs.push(
      items(Array.from({ length: Math.min(left, 500) }, () => newJob(engine.clock.now(), { queue, type }))),
    );
  }
}

/** A stream that nobody reads: its response is not touched until `read`. */
async function unread(server: RunningServer, path: string): Promise<IncomingMessage> {
  const { hostname, port } = new URL(server.url);
  const request = http({ hostname, port, path: `/ojs/v1${path}`, agent: false }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

describe('a client that does not read', () => {
  const bufferSize = 200;
  const count = 20_000;

  test('a slow reader fills only its buffer, loses the oldest events and gets their ids (§5.4)', async () => {
    await using server = await serve({ realtime: { bufferSize, ratePerSecond: 0 } });
    const response = await unread(server, '/events/stream?channel=all');
    await push(server, count);
    // Whatever the socket did not take has been dropped by now; then the client wakes up.
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const last = `id: ${count}.`;
    await expect.poll(() => text.includes(last)).toBe(true);
    const blocks = text.split('\n\n').filter((block) => block.startsWith('id: ') && block.includes('event: '));
    const notices = blocks
      .filter((block) => block.includes('event: system.events_dropped'))
      .map((block) => JSON.parse(block.slice(block.indexOf('data: ') + 6)));
    expect(notices.length).toBeGreaterThan(0);
    const positions = blocks
      .filter((block) => block.includes('event: job.enqueued'))
      .map((block) => Number(/^id: (\d+)/.exec(block)?.[1]));
    const missing = new Set(Array.from({ length: count }, (_, index) => index + 1));
    for (const position of positions) missing.delete(position);
    expect(notices.reduce((sum, { dropped_count }) => sum + dropped_count, 0)).toBe(missing.size);
    expect(notices[0]).toMatchObject({
      channel: 'all',
      oldest_dropped_id: idAt(Math.min(...missing)),
      timestamp: expect.any(String),
    });
    expect(notices.at(-1)).toMatchObject({ newest_dropped_id: idAt(Math.max(...missing)) });
    expect(text).toContain(`:events-dropped ${notices[0].dropped_count}\n\n`);
    // What came before the first notice lay in the sockets of both sides and in one write: a few megabytes, however
    // much has happened.
    const before = text.slice(0, text.indexOf(':events-dropped')).length;
    expect(before).toBeLessThan(12_000_000);
    expect(missing.size).toBeGreaterThan(0);
    response.destroy();
  });

  test('does not hold up the others, nor the end of the server', async () => {
    const server = await serve({ realtime: { bufferSize, ratePerSecond: 0, shutdownMs: 50 } });
    const idle = await unread(server, '/events/stream?channel=all');
    using reader = await followStream(server.url, '/events/stream?channel=all');
    const silent = await openSocket(server.url);
    await silent.ask({ action: 'subscribe', channel: 'all' });
    silent.socket.pause();
    await push(server, count);
    await push(server, 1);
    for (let id = ''; !id.startsWith(`${count + 1}.`); ) id = (await reader.events.take(1))[0]?.id ?? '';
    await server.close();
    idle.destroy();
    silent.socket.terminate();
  });
});

test('a connection gets a burst, and then no more than its rate, though it reads at once (§5.7)', async () => {
  await using server = await serve({ realtime: { bufferSize: 10, ratePerSecond: 500 } });
  using stream = await followStream(server.url, '/events/stream');
  const began = performance.now();
  for (let count = 0; count < 110; count++) {
    await push(server, 1);
    await stream.events.take(1);
  }
  // Ten at once and a hundred at 500 a second.
  expect(performance.now() - began).toBeGreaterThan(190);
});

test('events above burst and rate are dropped and reported (§5.7)', async () => {
  await using server = await serve({ realtime: { bufferSize: 10, ratePerSecond: 100 } });
  using stream = await followStream(server.url, '/events/stream');
  await push(server, 500);
  const blocks: { readonly event?: string; readonly id?: string; readonly data: Readonly<Record<string, unknown>> }[] =
    [];
  while (!blocks.at(-1)?.id?.startsWith('500.') || blocks.at(-1)?.event !== 'job.enqueued')
    blocks.push(...(await stream.events.take(1)));
  const dropped = blocks
    .filter(({ event }) => event === 'system.events_dropped')
    .reduce((sum, { data }) => sum + Number(data.dropped_count), 0);
  const told = blocks.filter(({ event }) => event === 'job.enqueued').length;
  expect(told + dropped).toBe(500);
  expect(dropped).toBeGreaterThan(0);
});

describe('connections', () => {
  test('of one client are limited: 429, and room again when one leaves (§5.2)', async () => {
    await using server = await serve({
      tokens: ['first-token', 'other-token'],
      realtime: { connectionsPerClient: 2, connections: 3 },
    });
    const as = (token: string) => ({ authorization: `Bearer ${token}` });
    const first = await followStream(server.url, '/events/stream', as('first-token'));
    using socket = await openSocket(server.url, { headers: as('first-token') });
    const refused = await send(server.url, { path: '/ojs/v1/events/stream', headers: as('first-token') });
    expectRefusal(refused, 429, 'rate_limited');
    expect(refused.headers).toMatchObject({
      'x-ratelimit-limit': '2',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': expect.stringMatching(/^\d{10}$/),
    });
    await expect(openSocket(server.url, { headers: as('first-token') })).rejects.toThrow(/^429 .*rate_limited/);
    using _ = await followStream(server.url, '/events/stream', as('other-token'));
    // In all there is room for three.
    expectRefusal(
      await send(server.url, { path: '/ojs/v1/events/stream', headers: as('other-token') }),
      429,
      'rate_limited',
    );
    first[Symbol.dispose]();
    socket.socket.close();
    await socket.closed;
    const again = async () => (await openStream(server.url, '/events/stream', as('first-token'))).status;
    await expect.poll(again).toBe(200);
  });

  test('that were refused, or had nothing to send, do not count', async () => {
    await using server = await serve({ realtime: { connectionsPerClient: 1 } });
    const { body } = await call<{ job: { id: string } }>(server.url, '/jobs', { type: 'a.b', args: [] });
    await call(server.url, `/jobs/${body.job.id}`, undefined, { method: 'DELETE' });
    for (let count = 0; count < 3; count++) {
      expectRefusal(await send(server.url, { path: '/ojs/v1/queues/none/events' }), 404, 'not_found');
      expect(
        (await send(server.url, { path: `/ojs/v1/jobs/${body.job.id}/events`, headers: { 'last-event-id': '2' } }))
          .status,
      ).toBe(204);
      const handshake =
        'GET /ojs/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
      expect(await raw(server.url, `${handshake}Sec-WebSocket-Key: x\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
    }
    const ended = async () => (await openStream(server.url, `/jobs/${body.job.id}/events`)).status;
    await expect.poll(ended).toBe(200);
  });

  test('that break are forgotten, and so is what they followed', async () => {
    await using server = await serve();
    const stream = await followStream(server.url, '/events/stream');
    const socket = await openSocket(server.url);
    await socket.ask({ action: 'subscribe', channel: 'all' });
    expect(server.engine.subscriptions.followers).toBe(2);
    stream[Symbol.dispose]();
    socket.socket.terminate();
    await expect.poll(() => server.engine.subscriptions.followers).toBe(0);
  });
});

describe('the end of the server (§5.1)', () => {
  test('is announced on every stream and WebSocket, which then end', async () => {
    const server = await serve({ realtime: { shutdownMs: 1_000 } });
    await call(server.url, '/jobs', { type: 'a.b', args: [] });
    using stream = await followStream(server.url, '/events/stream');
    using socket = await openSocket(server.url);
    await socket.ask({ action: 'subscribe', channel: 'queue:default' });
    await call(server.url, '/jobs', { type: 'a.b', args: [] });
    await stream.events.take(1);
    await socket.frames.take(1);
    const closed = server.close();
    const data = { reason: 'shutdown', grace_period_ms: 1_000 };
    expect(await stream.events.rest()).toEqual([{ id: idAt(2), event: 'server.shutdown', data }]);
    expect(await socket.frames.rest()).toMatchObject([{ type: 'event', event: 'server.shutdown', data }]);
    expect(await socket.closed).toBe(1001);
    await closed;
  });

  test('is announced though a handshake is running, or a client keeps its half open', async () => {
    const server = await serve({ realtime: { shutdownMs: 50 } });
    const half = await open(server.url);
    half.allowHalfOpen = true;
    half.on('error', () => {});
    half.write(
      'GET /ojs/v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await once(half, 'data');
    await server.close();
    half.destroy();
  });

  test('keeps unsent events for a client that continues after its last id', async () => {
    await using server = await serve();
    await call(server.url, '/jobs', { type: 'a.b', args: [] });
    const stream: TestStream = await followStream(server.url, '/events/stream');
    await call(server.url, '/jobs', { type: 'a.b', args: [] });
    const [block] = await stream.events.take(1);
    stream[Symbol.dispose]();
    await call(server.url, '/jobs', { type: 'a.b', args: [] });
    using again = await followStream(server.url, '/events/stream', { 'last-event-id': block?.id ?? '' });
    expect(await again.events.take(1)).toMatchObject([{ id: idAt(3), event: 'job.enqueued' }]);
  });
});
