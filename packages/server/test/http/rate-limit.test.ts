import { parseRequestRate } from '@ojs-ts/core/options';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientOf, RateLimiter } from '../../src/http/rate-limit.ts';
import { expectRefusal } from '../support/refusal.ts';
import { type Request, send } from '../support/request.ts';
import { serve } from '../support/server.ts';

describe('parseRequestRate', () => {
  test.each([
    ['1000/60s', { limit: 1000, perMs: 60_000 }],
    ['10/PT1S', { limit: 10, perMs: 1_000 }],
    ['1/1d', { limit: 1, perMs: 86_400_000 }],
    ['5/1.5h', { limit: 5, perMs: 5_400_000 }],
  ])('reads %s', (text, rate) => {
    expect(parseRequestRate(text)).toEqual(rate);
  });

  test.each([
    '',
    '10',
    '10/',
    '/60s',
    '0/60s',
    '-1/60s',
    '1.5/60s',
    '10/60',
    '10/0s',
    '10/2d',
    '10000000/60s',
    '10/60s/',
    'ten/60s',
  ])('%j is refused', (text) => {
    expect(parseRequestRate(text)).toBe(null);
  });
});

describe('clientOf', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:0:1:aaaa::1', '2001:db8:0:1::/64'],
    ['2001:0DB8::1:2:3:4', '2001:db8:0:0::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
  ])('%s counts as %s', (address, client) => {
    expect(clientOf(address)).toBe(client);
  });
});

describe('a token bucket', () => {
  function limiter(limit: number, perMs: number) {
    let now = 0;
    const one = new RateLimiter({ limit, perMs }, () => now);
    return { one, advance: (ms: number) => (now += ms) };
  }

  test('lets its limit through at once, then one for each that came back', () => {
    const { one, advance } = limiter(3, 300);
    expect([1, 2, 3].map(() => one.take('a').remaining)).toEqual([2, 1, 0]);
    expect(one.take('a')).toEqual({ allowed: false, remaining: 0, waitMs: 100 });
    expect(one.take('b')).toMatchObject({ allowed: true, remaining: 2 });
    advance(99);
    expect(one.take('a')).toMatchObject({ allowed: false, waitMs: 1 });
    advance(1);
    expect(one.take('a')).toEqual({ allowed: true, remaining: 0, waitMs: 100 });
    expect(one.take('a').allowed).toBe(false);
    advance(300);
    expect(one.peek('a')).toEqual({ allowed: true, remaining: 3, waitMs: 0 });
    expect(one.peek('a').remaining).toBe(3);
  });

  test('never lets more through than its limit and what came back, and never less than that over time', () => {
    const steps = fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 500 }), steps, (limit, perMs, waits) => {
        const { one, advance } = limiter(limit, perMs);
        const times: number[] = [];
        let now = 0;
        for (const wait of waits) {
          advance(wait);
          now += wait;
          const before = one.peek('a');
          const { allowed, remaining, waitMs } = one.take('a');
          expect(allowed).toBe(before.allowed);
          if (allowed) {
            times.push(now);
            expect(remaining).toBe(before.remaining - 1);
          } else {
            expect(remaining).toBe(0);
            expect(waitMs).toBeGreaterThan(0);
            expect(waitMs).toBeLessThanOrEqual(perMs / limit + 1e-6);
          }
        }
        for (const [from, start] of times.entries()) {
          for (let to = from; to < times.length; to++) {
            expect(to - from + 1).toBeLessThanOrEqual(limit + ((times[to] ?? 0) - start) / (perMs / limit) + 1e-6);
          }
        }
      }),
    );
  });

  test('remembers 10,000 clients at most, and none that has been silent', () => {
    const { one, advance } = limiter(2, 1_000);
    for (let index = 0; index < 25_000; index++) one.take(`client ${index}`);
    expect(one.clients).toBe(10_000);
    expect(one.peek('client 24999').remaining).toBe(1);
    advance(1_000);
    for (let index = 0; index < 5_001; index++) one.take('one');
    expect(one.clients).toBe(1);
  });
});

describe('a server with a request rate (ojs-http-binding §18, brief)', () => {
  const queues: Request = { path: '/ojs/v1/queues' };
  const rateOf = ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }) => ({
    limit: headers['x-ratelimit-limit'],
    remaining: headers['x-ratelimit-remaining'],
    reset: headers['x-ratelimit-reset'],
  });

  test('answers 429 rate_limited with Retry-After and X-RateLimit-*', async () => {
    await using server = await serve({ requestRate: '2/1h' });
    const before = Math.floor(Date.now() / 1_000);
    const first = await send(server.url, queues);
    expect(first.status).toBe(200);
    expect(rateOf(first)).toEqual({ limit: '2', remaining: '1', reset: expect.stringMatching(/^\d{10}$/) });
    expect(rateOf(await send(server.url, queues)).remaining).toBe('0');
    const refused = await send(server.url, queues);
    expectRefusal(refused, 429, 'rate_limited');
    const { error } = JSON.parse(refused.text);
    const wait = Number(refused.headers['retry-after']);
    expect(wait).toBeGreaterThan(1_700);
    expect(wait).toBeLessThanOrEqual(1_800);
    expect(error.details).toEqual({ limit: 2, window_seconds: 3_600, retry_after: wait, retry_after_seconds: wait });
    expect(rateOf(refused)).toMatchObject({ limit: '2', remaining: '0' });
    // When another request will be let through.
    expect(Number(refused.headers['x-ratelimit-reset'])).toBeGreaterThanOrEqual(before + 1_700);
    expect(Number(refused.headers['x-ratelimit-reset'])).toBeLessThanOrEqual(before + 1_900);
  });

  test('nothing of a refused request is done', async () => {
    await using server = await serve({ requestRate: '1/1h' });
    const post: Request = { method: 'POST', path: '/ojs/v1/jobs', body: '{"type":"a.b","args":[]}' };
    expect((await send(server.url, post)).status).toBe(201);
    expect((await send(server.url, post)).status).toBe(429);
    const { items } = await server.engine.storage.jobs.list({ states: 0xff, limit: 10 });
    expect(items).toHaveLength(1);
  });

  test('lets health and manifest pass, with the headers', async () => {
    await using server = await serve({ requestRate: '1/1h' });
    await send(server.url, queues);
    for (const path of ['/ojs/manifest', '/ojs/v1/health', '/health', '/healthz']) {
      for (let index = 0; index < 3; index++) {
        const response = await send(server.url, { path });
        expect([path, response.status]).toEqual([path, 200]);
        expect(rateOf(response)).toMatchObject({ limit: '1', remaining: '0' });
      }
    }
    expect((await send(server.url, queues)).status).toBe(429);
  });

  test('counts refusals too, and has the headers on all of them', async () => {
    await using server = await serve({ requestRate: '3/1h' });
    const missing = await send(server.url, { path: '/nowhere' });
    expectRefusal(missing, 404, 'not_found');
    expect(rateOf(missing)).toMatchObject({ limit: '3', remaining: '2' });
    const bad = await send(server.url, { method: 'POST', path: '/ojs/v1/jobs', body: '{' });
    expectRefusal(bad, 400);
    expect(rateOf(bad).remaining).toBe('1');
  });

  test('counts each token by itself, and the others by their address', async () => {
    const tokens = ['first-secret', 'second-secret'];
    await using server = await serve({ requestRate: '1/1h', tokens });
    const ask = async (token?: string) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await send(server.url, { ...queues, headers })).status;
    };
    expect(await ask('first-secret')).toBe(200);
    expect(await ask('first-secret')).toBe(429);
    expect(await ask('second-secret')).toBe(200);
    // Guesses share what their address may ask for.
    expect(await ask('guess-number-1')).toBe(401);
    expect(await ask('guess-number-2')).toBe(429);
    expect(await ask()).toBe(429);
  });

  test('foreign pages cannot use up the request rate of their visitor', async () => {
    await using server = await serve({ requestRate: '1/1h', allowedOrigins: ['https://app.test'] });
    for (let index = 0; index < 3; index++) {
      expectRefusal(await send(server.url, { ...queues, headers: { origin: 'https://evil.test' } }), 403);
    }
    const headers = { origin: 'https://app.test', 'access-control-request-method': 'GET' };
    expect((await send(server.url, { method: 'OPTIONS', path: '/ojs/v1/queues', headers })).status).toBe(204);
    const allowed = await send(server.url, { ...queues, headers: { origin: 'https://app.test' } });
    expect(allowed.status).toBe(200);
    expect(allowed.headers['access-control-expose-headers']).toContain('X-RateLimit-Remaining');
  });

  test('has no limit and no headers unless it is asked to', async () => {
    await using server = await serve();
    expect((await send(server.url, queues)).headers).not.toHaveProperty('x-ratelimit-limit');
  });
});
