import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { selfSigned } from '../support/certificate.ts';
import { serveClocked } from '../support/clocked.ts';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { call, open, parseResponse, raw, send, untilClosed } from '../support/request.ts';
import { serve } from '../support/server.ts';
import { followStream, idAt, openSocket } from '../support/streams.ts';

const zero = '00000000-0000-7000-8000-000000000000';

describe('a WebSocket', () => {
  const it = testWith(() => serveClocked('memory:'));

  it('subscribes to a job, a queue and everything, and gets each event under its channel (ojs-realtime §3)', async (server) => {
    const { bench: b, url } = server;
    const id = await b.push({ queue: 'a', type: 'x.y' });
    using socket = await openSocket(url);
    expect(socket.socket.protocol).toBe('ojs.v1');
    for (const channel of [`job:${id}`, 'queue:a', 'all'])
      expect(await socket.ask({ action: 'subscribe', channel })).toEqual({ type: 'subscribed', channel });
    await b.engine.lifecycle.cancel(id, null);
    const timestamp = new Date(b.clock.now()).toISOString();
    const data = { job_id: id, queue: 'a', type: 'x.y', from: 'available', to: 'cancelled', timestamp };
    const frames = await socket.frames.take(3);
    expect(new Set(frames.map(({ channel }) => channel))).toEqual(new Set([`job:${id}`, 'queue:a', 'all']));
    for (const { channel: _, ...frame } of frames)
      expect(frame).toEqual({ type: 'event', event: 'job.state_changed', data, id: idAt(2), timestamp });
    expect(await socket.ask({ action: 'unsubscribe', channel: 'all' })).toEqual({
      type: 'unsubscribed',
      channel: 'all',
    });
    await b.push({ queue: 'a' });
    expect(await socket.frames.take(1)).toMatchObject([
      { channel: 'queue:a', event: 'job.enqueued', data: { type: 'job.enqueued' } },
    ]);
    // A finished job tells its last change, and would tell more if it came back from the dead letter.
    using late = await openSocket(url);
    expect(await late.ask({ action: 'subscribe', channel: `job:${id}` })).toMatchObject({ type: 'subscribed' });
    expect(await late.frames.take(1)).toMatchObject([{ channel: `job:${id}`, data: { to: 'cancelled' } }]);
    expect(server.errors).toEqual([]);
  });

  it('replaces the filter of a channel that it has (§5.6)', async ({ bench: b, url }) => {
    await b.push({ queue: 'a' });
    using socket = await openSocket(url);
    const ask = (types: readonly string[]) =>
      socket.ask({ action: 'subscribe', channel: 'queue:a', event_types: types });
    await ask(['job.started']);
    const job = await b.start(null, { queue: 'a' });
    expect(await socket.frames.take(1)).toMatchObject([{ event: 'job.started' }]);
    expect(await ask(['job.comp*'])).toEqual({ type: 'subscribed', channel: 'queue:a', event_types: ['job.comp*'] });
    await b.start(null, { queue: 'a' });
    await b.engine.protocol.settle({ id: job.id, claim: job.claim, worker: null, kind: 'ack', result: null });
    expect(await socket.frames.take(1)).toMatchObject([{ event: 'job.completed' }]);
    expect(b.engine.subscriptions.followers).toBe(1);
  });

  it('resumes: first the missed events, then the new ones; before or after it has subscribed (§5.5.2)', async (server) => {
    const { bench: b, url } = server;
    for (let count = 0; count < 3; count++) await b.push({ queue: 'a' });
    using before = await openSocket(url);
    expect(await before.ask({ action: 'resume', last_event_id: '1' })).toEqual({ type: 'resumed', last_event_id: '1' });
    expect(await before.ask({ action: 'subscribe', channel: 'queue:a' })).toEqual({
      type: 'subscribed',
      channel: 'queue:a',
    });
    using after = await openSocket(url);
    await after.ask({ action: 'subscribe', channel: 'queue:a' });
    expect(await after.ask({ action: 'resume', last_event_id: '1' })).toMatchObject({ type: 'resumed' });
    using own = await openSocket(url);
    await own.ask({ action: 'subscribe', channel: 'queue:a', last_event_id: '1' });
    await b.push({ queue: 'a' });
    for (const socket of [before, after, own]) {
      expect((await socket.frames.take(3)).map(({ id }) => id)).toEqual([idAt(2), idAt(3), idAt(4)]);
      for (const last_event_id of ['99', 'evt_0042', 'x'])
        expect(await socket.ask({ action: 'resume', last_event_id })).toMatchObject({
          type: 'error',
          code: 'unknown_event_id',
        });
    }
  });

  test('gets a gap like a stream', async () => {
    await using server = await serveClocked('memory:', { retention: { eventsMs: 1_000 } });
    const { bench: b, url } = server;
    for (let count = 0; count < 3; count++) await b.push({ queue: 'a' });
    b.clock.advance(2_000);
    await b.engine.upkeep.run();
    using socket = await openSocket(url);
    await socket.ask({ action: 'subscribe', channel: 'queue:a', last_event_id: '1' });
    expect(await socket.frames.take(1)).toMatchObject([
      {
        type: 'event',
        channel: 'queue:a',
        event: 'system.gap',
        id: '3',
        data: { channel: 'queue:a', estimated_missed_count: 2 },
      },
    ]);
  });

  it('follows the log itself by the handshake of ojs-events §6.2', async ({ bench: b, url }) => {
    using socket = await openSocket(url, { protocols: [] });
    expect(socket.socket.protocol).toBe('');
    const filter = { event_types: ['job.completed', 'job.enqueued'], queues: ['a'] };
    const subscribed = await socket.ask({ action: 'subscribe', channel: 'events', filter });
    expect(subscribed).toEqual({
      type: 'subscribed',
      action: 'subscribed',
      channel: 'events',
      subscription_id: expect.stringMatching(/^sub_[0-9a-f-]{36}$/),
    });
    const elsewhere = await socket.ask({
      action: 'subscribe',
      channel: 'events',
      filter: { sources: ['ojs://other/*'] },
    });
    await socket.ask({
      action: 'unsubscribe',
      subscription_id: (await socket.ask({ action: 'subscribe', channel: 'events' })).subscription_id,
    });
    const job = await b.start(null, { queue: 'a' });
    await b.push({ queue: 'b' });
    await b.engine.protocol.settle({ id: job.id, claim: job.claim, worker: null, kind: 'ack', result: null });
    const polled = await call<{ events: readonly unknown[] }>(url, '/events?types=job.completed,job.enqueued&queues=a');
    expect(await socket.frames.take(2)).toEqual(polled.body.events);
    const { subscription_id } = subscribed;
    expect(await socket.ask({ action: 'unsubscribe', subscription_id })).toEqual({
      type: 'unsubscribed',
      action: 'unsubscribed',
      subscription_id,
    });
    expect(elsewhere).toMatchObject({ type: 'subscribed' });
    expect(b.engine.subscriptions.followers).toBe(1);
  });

  test('answers an invalid message, and continues', async () => {
    await using server = await serve();
    using socket = await openSocket(server.url);
    const wrong: readonly (readonly [unknown, string])[] = [
      ['', 'invalid_payload'],
      ['{', 'invalid_payload'],
      ['[]', 'invalid_payload'],
      ['null', 'invalid_payload'],
      [{}, 'invalid_request'],
      [{ action: 'ping' }, 'invalid_request'],
      [{ action: 'subscribe' }, 'invalid_request'],
      [{ action: 'subscribe', channel: 5 }, 'invalid_request'],
      [{ action: 'subscribe', channel: 'job' }, 'invalid_request'],
      [{ action: 'subscribe', channel: 'all', event_types: 'job.*' }, 'invalid_request'],
      [{ action: 'subscribe', channel: 'events', filter: [] }, 'invalid_request'],
      [{ action: 'subscribe', channel: `job:${newId()}` }, 'not_found'],
      [{ action: 'subscribe', channel: 'queue:none' }, 'not_found'],
      [{ action: 'unsubscribe', channel: 'all' }, 'not_found'],
      [{ action: 'unsubscribe' }, 'not_found'],
      [{ action: 'unsubscribe', subscription_id: `sub_${zero}` }, 'not_found'],
      [{ action: 'resume' }, 'invalid_request'],
    ];
    for (const [message, code] of wrong) {
      expect(await socket.ask(message)).toMatchObject({ type: 'error', code, message: expect.stringMatching(/./) });
    }
    socket.socket.send(Buffer.from('{}'), { binary: true });
    expect(await socket.frames.take(1)).toMatchObject([{ type: 'error', code: 'invalid_payload' }]);
    expect(await socket.ask({ action: 'subscribe', channel: 'queue:none' })).toMatchObject({
      action: 'subscribe',
      channel: 'queue:none',
    });
    expect(await socket.ask({ action: 'subscribe', channel: 'all' })).toMatchObject({ type: 'subscribed' });
  });

  test('has 100 subscriptions at most, and messages of 64 KiB', async () => {
    await using server = await serve();
    using socket = await openSocket(server.url);
    for (let count = 0; count < 100; count++) await socket.ask({ action: 'subscribe', channel: 'events' });
    expect(await socket.ask({ action: 'subscribe', channel: 'events' })).toMatchObject({
      type: 'error',
      code: 'rate_limited',
    });
    socket.send({ action: 'x'.repeat(65_536) });
    expect(await socket.closed).toBe(1009);
    expect(await call(server.url, '/queues')).toMatchObject({ status: 200 });
    await expect.poll(() => server.engine.subscriptions.followers).toBe(0);
  });

  test('has 500 subscriptions at most over all connections of its client', async () => {
    await using server = await serve();
    const subscribe = { action: 'subscribe', channel: 'events' };
    for (let connection = 0; connection < 5; connection++) {
      const socket = await openSocket(server.url);
      for (let count = 0; count < 100; count++) await socket.ask(subscribe);
    }
    using last = await openSocket(server.url);
    expect(await last.ask(subscribe)).toMatchObject({ type: 'error', code: 'rate_limited' });
    expect(server.engine.subscriptions.followers).toBeLessThanOrEqual(500);
  });

  test('that asks without waiting for answers is closed', async () => {
    await using server = await serve();
    using socket = await openSocket(server.url);
    for (let count = 0; count < 2_000; count++) socket.send({ action: 'subscribe', channel: 'queue:none' });
    expect(await socket.closed).toBe(1008);
  });

  test('that does not answer a ping is closed; one that does is not (§3.5)', async () => {
    // As long as no event loop stands still, however busy the machine is: client and server share it.
    await using server = await serve({ realtime: { pingMs: 20, pongMs: 3_000 } });
    using deaf = await openSocket(server.url, { autoPong: false });
    using alive = await openSocket(server.url);
    expect(await deaf.closed).toBe(1006);
    expect(await alive.ask({ action: 'subscribe', channel: 'all' })).toMatchObject({ type: 'subscribed' });
  });

  test('gets a warning before the notice of dropped events (§5.4)', async () => {
    await using server = await serve({ realtime: { bufferSize: 5, ratePerSecond: 50 } });
    using socket = await openSocket(server.url);
    await socket.ask({ action: 'subscribe', channel: 'all' });
    await call(server.url, '/jobs/batch', { jobs: Array.from({ length: 30 }, () => ({ type: 'a.b', args: [] })) });
    const frames = await socket.frames.take(7);
    const at = frames.findIndex(({ type }) => type === 'warning');
    expect(frames[at]).toEqual({
      type: 'warning',
      code: 'events_dropped',
      count: 25,
      channel: 'all',
      oldest_dropped_id: idAt(1),
      newest_dropped_id: idAt(25),
    });
    expect(frames[at + 1]).toMatchObject({
      type: 'event',
      channel: 'all',
      event: 'system.events_dropped',
      id: idAt(25),
      data: { channel: 'all', dropped_count: 25, oldest_dropped_id: idAt(1), newest_dropped_id: idAt(25) },
    });
  });
});

describe('a handshake', () => {
  const head = (lines: readonly string[] = [], path = '/ojs/v1/ws') =>
    [
      `GET ${path} HTTP/1.1`,
      'Host: 127.0.0.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...lines,
      '\r\n',
    ].join('\r\n');

  test('passes the guards of every request: host, origin, version (ojs-realtime §6)', async () => {
    await using server = await serve({ allowedOrigins: ['https://friend.test'] });
    const refuse = async (headers: Readonly<Record<string, string>>, pattern: RegExp) =>
      expect(openSocket(server.url, { headers })).rejects.toThrow(pattern);
    await refuse({ origin: 'http://evil.test' }, /^403 .*permission_denied/);
    await refuse({ origin: 'null' }, /^403 .*permission_denied/);
    await refuse({ host: 'evil.test' }, /^403 .*permission_denied/);
    await refuse({ 'sec-fetch-site': 'cross-site' }, /^403 .*permission_denied/);
    await refuse({ 'ojs-version': '2.0' }, /^422 .*unsupported/);
    for (const origin of ['https://friend.test', server.url])
      (await openSocket(server.url, { headers: { origin } }))[Symbol.dispose]();
    expectRefusal(parseResponse(await raw(server.url, head(['Origin: http://evil.test']))), 403, 'permission_denied');
  });

  test('reads the token from the header, or from a subprotocol, because a page can set no header', async () => {
    await using server = await serve({ tokens: ['work:work-secret', 'admin:all-of-it'] });
    const inProtocol = (token: string) => ({
      protocols: ['ojs.v1', `ojs.bearer.${Buffer.from(token).toString('base64url')}`],
    });
    await expect(openSocket(server.url)).rejects.toThrow(/^401 .*unauthenticated/);
    await expect(openSocket(server.url, inProtocol('wrong-secret'))).rejects.toThrow(/^401 /);
    await expect(openSocket(server.url, { headers: { authorization: 'Bearer nobody' } })).rejects.toThrow(/^401 /);
    expectRefusal(await send(server.url, { path: '/ojs/v1/events/stream' }), 401, 'unauthenticated');
    expectRefusal(
      await send(server.url, { path: '/ojs/v1/events/stream?access_token=work-secret' }),
      401,
      'unauthenticated',
    );
    for (const options of [inProtocol('work-secret'), { headers: { authorization: 'Bearer all-of-it' } }]) {
      using socket = await openSocket(server.url, options);
      expect(socket.socket.protocol).toBe('ojs.v1');
      expect(await socket.ask({ action: 'subscribe', channel: 'all' })).toMatchObject({ type: 'subscribed' });
    }
  });

  test('works over TLS, and a page of an allowed origin may read a stream', async () => {
    await using server = await serve({ tls: selfSigned(), allowedOrigins: ['https://friend.test'] });
    using socket = await openSocket(server.url, { rejectUnauthorized: false });
    expect(await socket.ask({ action: 'subscribe', channel: 'all' })).toMatchObject({ type: 'subscribed' });
    await using plain = await serve({ allowedOrigins: ['https://friend.test'] });
    using stream = await followStream(plain.url, '/events/stream', { origin: 'https://friend.test' });
    expect(stream.headers).toMatchObject({ 'access-control-allow-origin': 'https://friend.test', vary: 'Origin' });
    expectRefusal(
      await send(plain.url, { path: '/ojs/v1/events/stream', headers: { origin: 'http://evil.test' } }),
      403,
      'permission_denied',
    );
  });

  test('that is invalid, or for another path, gets an ordinary answer', async () => {
    await using server = await serve();
    expectRefusal(await send(server.url, { path: '/ojs/v1/ws' }), 400, 'invalid_request');
    expectRefusal(parseResponse(await raw(server.url, head([], '/ojs/v1/nowhere'))), 404, 'not_found');
    expect(await raw(server.url, head().replace('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Version: 7'))).toMatch(
      /^HTTP\/1\.1 4/,
    );
    // Some clients of HTTP/2 offer it with their first request, whatever that is.
    const body = '{"type":"a.b","args":[]}';
    const offer = `POST /ojs/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    expect(parseResponse(await raw(server.url, offer)).status).toBe(201);
  });

  test('that breaks off, or is followed by garbage, does not affect others', async () => {
    await using server = await serve();
    for (let count = 0; count < 10; count++) {
      const socket = await open(server.url);
      socket.on('error', () => {});
      socket.write(head());
      socket.resetAndDestroy();
    }
    const socket = await open(server.url);
    const answer = untilClosed(socket);
    socket.write(head());
    socket.write(randomBytes(1_000));
    expect(await answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(await call(server.url, '/health')).toMatchObject({ status: 200 });
    await expect.poll(() => server.engine.subscriptions.followers).toBe(0);
  });
});
