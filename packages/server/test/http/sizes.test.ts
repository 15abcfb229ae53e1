import { connect as connectTls } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { selfSigned } from '../support/certificate.ts';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { call, open, parseResponse, raw, send, untilClosed } from '../support/request.ts';
import { serve } from '../support/server.ts';

const mebibyte = 1_048_576;

describe('sizes', () => {
  const it = testWith(serve);

  it('an envelope of 1 MiB passes, one byte more is 413 (ojs-json-format §8.1)', async (server) => {
    const envelope = (size: number) => {
      const text = `{"id":"${newId()}","type":"a.b","args":[""]}`;
      return text.replace('""', `"${'a'.repeat(size - text.length)}"`);
    };
    const post = (path: string, body: string) =>
      send(server.url, { method: 'POST', path: `/ojs/v1/jobs${path}`, body });
    expect((await post('', envelope(mebibyte))).status).toBe(201);
    expectRefusal(await post('', envelope(mebibyte + 1)), 413, 'envelope_too_large');
    expect((await post('/batch', `{"jobs":[${envelope(mebibyte)},${envelope(mebibyte)}]}`)).status).toBe(201);
    const refused = await post('/batch', `{"jobs":[${envelope(100)},${envelope(mebibyte + 1)}]}`);
    expectRefusal(refused, 413, 'envelope_too_large');
    expect(JSON.parse(refused.text)).toMatchObject({ error: { details: { index: 1 } } });
    const spaces = ' '.repeat(32 * mebibyte + 1 - envelope(100).length);
    expectRefusal(await post('', `${envelope(100)}${spaces}`), 413, 'envelope_too_large');
  });

  it('a batch of 10,000 passes, one of 10,001 or of none is refused whole (ojs-json-format §8.3)', async (server) => {
    const jobs = Array.from({ length: 10_001 }, () => ({ type: 'a.b', args: [] }));
    const post = (count: number) => call<{ count: number }>(server.url, '/jobs/batch', { jobs: jobs.slice(0, count) });
    expect(await post(10_001)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
    expect(await post(0)).toMatchObject({ status: 400 });
    expect(await call(server.url, '/queues')).toMatchObject({ body: { queues: [] } });
    const { status, body } = await post(10_000);
    expect([status, body.count]).toEqual([201, 10_000]);
  });

  it('a result and an error of more than 1 MiB are 413, and the job stays with its worker', async (server) => {
    const id = newId();
    await call(server.url, '/jobs', { id, type: 'a.b', args: [] });
    await call(server.url, '/workers/fetch', { queues: ['default'] });
    const large = 'é'.repeat(mebibyte / 2);
    for (const [path, body, code] of [
      ['/workers/ack', { job_id: id, result: large }, 'RESULT_TOO_LARGE'],
      ['/workers/nack', { job_id: id, error: { message: large } }, 'envelope_too_large'],
      ['/workers/nack', { job_id: id, error: { message: 'x', details: { large } } }, 'envelope_too_large'],
    ] as const) {
      expect(await call(server.url, path, body)).toMatchObject({ status: 413, body: { error: { code } } });
    }
    expect(await call(server.url, '/workers/ack', { job_id: id, result: large.slice(1) })).toMatchObject({
      status: 200,
    });
  });

  it('a fetch returns at most 100 jobs, an exchange at most 500', async (server) => {
    await call(server.url, '/jobs/batch', { jobs: Array.from({ length: 620 }, () => ({ type: 'a.b', args: [] })) });
    const { body } = await call<{ jobs: readonly unknown[] }>(server.url, '/workers/fetch', {
      queues: ['default'],
      count: 1e9,
    });
    expect(body.jobs).toHaveLength(100);
    const exchanged = await call<{ jobs: readonly unknown[] }>(server.url, '/workers/exchange', {
      worker_id: 'w1',
      fetch: { queues: ['default'], count: 1e9 },
    });
    expect(exchanged.body.jobs).toHaveLength(500);
  });

  it('are of bodies that are not compressed: an encoding is refused, whatever it says it unpacks to (ojs-payload-limits §6)', async (server) => {
    const body = gzipSync(JSON.stringify({ type: 'a.b', args: ['x'.repeat(64 * mebibyte)] }));
    for (const encoding of ['gzip', 'zstd', 'GZIP', 'identity, gzip']) {
      const refused = await send(server.url, {
        method: 'POST',
        path: '/ojs/v1/jobs',
        body,
        headers: { 'content-encoding': encoding },
      });
      expectRefusal(refused, 400, 'invalid_request');
      expect(refused.text).toContain('Content-Encoding');
    }
    const plain = { method: 'POST', path: '/ojs/v1/jobs', body: '{"type":"a.b","args":[]}' };
    for (const encoding of ['identity', 'Identity', '']) {
      expect(await send(server.url, { ...plain, headers: { 'content-encoding': encoding } })).toMatchObject({
        status: 201,
      });
    }
  });
});

describe('slow clients', () => {
  const times = { headersTimeoutMs: 100, requestTimeoutMs: 300 };

  test('get 408 when their headers or their body take too long, and the connection ends', async () => {
    await using server = await serve(times);
    const head = 'POST /ojs/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n';
    const body = `${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"type":`;
    const answers = await Promise.all([raw(server.url, head), raw(server.url, body)]);
    for (const answer of answers) expectRefusal(parseResponse(answer), 408, 'invalid_request');
    expect(await call(server.url, '/queues')).toMatchObject({ status: 200, body: { queues: [] } });
  });

  test('that never close their side do not keep the connection', async () => {
    await using server = await serve({ maxConnections: 1 });
    const socket = await open(server.url);
    socket.allowHalfOpen = true;
    const ended = new Promise((resolve) => socket.once('end', resolve));
    socket.resume().write('garbage\r\n\r\n');
    await ended;
    const status = async () => (await call(server.url, '/health').catch(() => ({ status: 0 }))).status;
    await expect.poll(status).toBe(200);
    socket.destroy();
  });

  test('connections above the limit are closed, and later ones are accepted', async () => {
    await using server = await serve({ maxConnections: 2 });
    const first = await open(server.url);
    const second = await open(server.url);
    expect(await raw(server.url, 'GET /ojs/manifest HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toBe('');
    const closed = [first, second].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    first.end();
    second.end();
    await Promise.all(closed);
    await expect.poll(async () => (await call(server.url, '/health').catch(() => ({ status: 0 }))).status).toBe(200);
  });
});

describe('TLS', () => {
  test('serves https, and closes what does not speak it', async () => {
    const tls = selfSigned();
    await using server = await serve({ tls, ...{ headersTimeoutMs: 200 } });
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const response = await send(server.url, { path: '/ojs/manifest' }, { rejectUnauthorized: false });
    expect(response).toMatchObject({ status: 200, headers: { 'ojs-version': '1.0' } });
    const origin = { path: '/ojs/manifest', headers: { origin: server.url } };
    expect(await send(server.url, origin, { rejectUnauthorized: false })).toMatchObject({ status: 200 });
    expect(await raw(server.url, 'GET /ojs/manifest HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).not.toContain('specversion');
    const { hostname: host, port } = new URL(server.url);
    const socket = connectTls({ host, port: Number(port), rejectUnauthorized: false });
    const answer = untilClosed(socket);
    socket.write('GET /ojs/manifest HTTP/1.1\r\n');
    expectRefusal(parseResponse(await answer), 408, 'invalid_request');
  });
});
