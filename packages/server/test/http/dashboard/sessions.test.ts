import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rights, rightsOf } from '@ojs-ts/core/access';
import { describe, expect, test } from 'vitest';
import type { TokenRequest } from '../../../src/engine/access/tokens.ts';
import { Sessions } from '../../../src/http/dashboard/sessions.ts';
import { selfSigned } from '../../support/certificate.ts';
import { serveClocked } from '../../support/clocked.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { type Response, send } from '../../support/request.ts';
import { serve } from '../../support/server.ts';
import { storages } from '../../support/storages.ts';
import { openSocket, openStream } from '../../support/streams.ts';
import { cookiesOf, loggedIn, login, ownPage } from './login.ts';

const token = 'a-long-secret';
const tokens = [token];
const hours = 3_600_000;
const root: TokenRequest = { name: 'root', roles: ['admin'], queues: ['*'], expiresAt: null, createdBy: null };

function state(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return send(url, { path: '/dashboard/session', headers });
}

function queues(url: string, cookie: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return send(url, { path: '/ojs/v1/queues', headers: { cookie, ...headers } });
}

function pause(url: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  return send(url, { method: 'POST', path: '/ojs/v1/queues/mail/pause', headers });
}

describe('the state of a session', () => {
  test('of a server without tokens is everything, and a login makes no cookie', async () => {
    await using server = await serve();
    const everything = {
      required: false,
      authenticated: true,
      principal: null,
      roles: [],
      rights,
      queues: ['*'],
      sees_arguments: true,
      version: expect.stringMatching(/^\d/),
      docs_url: 'https://github.com/ojs-ts/ojs-ts/blob/main/docs/README.md',
      mode: 'server',
    };
    const response = await state(server.url);
    expect(response).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    expect(JSON.parse(response.text)).toEqual(everything);
    const answer = await login(server.url, { token });
    expect([answer.status, JSON.parse(answer.text), cookiesOf(answer)]).toEqual([200, everything, []]);
  });

  test('is nothing without a login, and what the token may with one', async () => {
    await using server = await serve({ tokens });
    const nobody = { required: true, authenticated: false, principal: null, roles: [], rights: [], queues: [] };
    expect(JSON.parse((await state(server.url)).text)).toMatchObject({ ...nobody, sees_arguments: false });
    const { record, token: viewer } = await server.engine.tokens.create({
      ...root,
      name: 'see',
      roles: ['viewer'],
      queues: ['mail*'],
      createdBy: 'x',
    });
    const cookie = await loggedIn(server.url, viewer);
    const own = {
      required: true,
      authenticated: true,
      principal: `token_${record.id}`,
      roles: ['viewer'],
      rights: rights.filter((right) => rightsOf.viewer.some((one) => one === right)),
      queues: ['mail*'],
      sees_arguments: false,
    };
    expect(JSON.parse((await state(server.url, { cookie })).text)).toMatchObject(own);
    expect(JSON.parse((await state(server.url, { authorization: `Bearer ${viewer}` })).text)).toMatchObject(own);
    const admin = await login(server.url, { token });
    expect(JSON.parse(admin.text)).toMatchObject({ roles: ['admin'], rights, queues: ['*'], sees_arguments: true });
  });
});

describe('the cookie of a session', () => {
  const attributes = (path: string) => `Path=${path}; Max-Age=43200; HttpOnly; SameSite=Lax`;

  test('over HTTP has a name for each base path, and no part of the token', async () => {
    await using server = await serve({ tokens });
    const names = new Set<string>();
    for (const [base_path, path] of [
      [undefined, '/'],
      ['/', '/'],
      ['/ops/', '/ops/'],
      ['/ops', '/ops/'],
      ["/a/b%20c/@~.!$&'()*+,=:_-/", "/a/b%20c/@~.!$&'()*+,=:_-/"],
    ] as const) {
      const response = await login(server.url, { token, base_path });
      const [cookie, ...others] = cookiesOf(response);
      expect([cookie?.attributes, others]).toEqual([attributes(path), []]);
      const [name = '', value = ''] = cookie?.pair.split('=') ?? [];
      expect(name).toMatch(/^ojs_session_[\w-]{8}$/);
      expect(value).toMatch(/^[\w-]+$/);
      expect(Buffer.from(value, 'base64url').toString('latin1')).not.toContain(token.slice(0, 4));
      expect(response.headers['cache-control']).toBe('no-store');
      expect((await queues(server.url, `other=1; ${cookie?.pair}`)).status).toBe(200);
      names.add(name);
    }
    expect(names.size).toBe(3);
  });

  test('over HTTPS is secure, and at the root of the host nobody else can set it', async () => {
    await using server = await serve({ tokens, tls: selfSigned() });
    const [atRoot] = cookiesOf(await login(server.url, { token, base_path: '/' }));
    expect(atRoot?.pair).toMatch(/^__Host-ojs_session=/);
    expect(atRoot?.attributes).toBe(`${attributes('/')}; Secure`);
    const [below] = cookiesOf(await login(server.url, { token, base_path: '/ops/' }));
    expect(below?.pair).toMatch(/^ojs_session_[\w-]{8}=/);
    expect(below?.attributes).toBe(`${attributes('/ops/')}; Secure`);
  });

  test('is secure behind a proxy that is trusted and says HTTPS', async () => {
    await using behind = await serve({ tokens, proxies: ['127.0.0.1'] });
    await using alone = await serve({ tokens });
    const secure = async (url: string, proto: string) =>
      cookiesOf(await login(url, { token }, { 'x-forwarded-proto': proto }))[0]?.attributes.endsWith('; Secure');
    expect(await secure(behind.url, 'https')).toBe(true);
    expect(await secure(behind.url, 'http')).toBe(false);
    expect(await secure(alone.url, 'https')).toBe(false);
  });

  test('ends after 12 hours of the clock, whatever the browser does', async () => {
    await using server = await serveClocked('memory:', {}, { tokens });
    const cookie = await loggedIn(server.url, token);
    server.bench.clock.advance(12 * hours - 1);
    expect((await queues(server.url, cookie)).status).toBe(200);
    server.bench.clock.advance(1);
    expectRefusal(await queues(server.url, cookie), 401, 'unauthenticated');
    expect(JSON.parse((await state(server.url, { cookie })).text)).toMatchObject({ authenticated: false });
    expect(server.lines).toEqual([]);
  });

  test('opens nothing when any bit of it is changed, or for another store', async () => {
    await using server = await serve({ tokens });
    await using other = await serve({ tokens });
    const cookie = await loggedIn(server.url, token);
    expectRefusal(await queues(other.url, cookie), 401, 'unauthenticated');
    const [name = '', value = ''] = cookie.split('=');
    const bytes = Buffer.from(value, 'base64url');
    for (let at = 0; at < bytes.length; at += 5) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expectRefusal(await queues(server.url, `${name}=${changed.toString('base64url')}`), 401, 'unauthenticated');
    }
    for (const wrong of ['', 'x', value.slice(0, -2), `${value}AAAA`, randomBytes(100).toString('base64url')])
      expectRefusal(await queues(server.url, `${name}=${wrong}`), 401, 'unauthenticated');
    expectRefusal(await queues(server.url, `ojs_session=${value}`), 401, 'unauthenticated');
  });

  test('of several counts the first that opens, and before all the name of this host alone', async () => {
    await using server = await serve({ tokens: ['viewer:viewer-secret', 'operator:operator-secret'] });
    const [viewer, operator] = [
      await loggedIn(server.url, 'viewer-secret'),
      await loggedIn(server.url, 'operator-secret'),
    ];
    const roles = async (cookie: string) => JSON.parse((await state(server.url, { cookie })).text).roles;
    expect(await roles(`ojs_session_AAAAAAAA=stale; ${viewer}; ${operator}`)).toEqual(['viewer']);
    expect(await roles(`${operator}; ${viewer}`)).toEqual(['operator']);
    expect(await roles(`${operator}; __Host-ojs_session=${viewer.split('=')[1]}`)).toEqual(['viewer']);
  });

  test('counts less than a header', async () => {
    await using server = await serve({ tokens: ['viewer:viewer-secret', 'admin:admin-secret'] });
    const cookie = await loggedIn(server.url, 'admin-secret');
    const both = { cookie, authorization: 'Bearer viewer-secret' };
    expect(JSON.parse((await state(server.url, both)).text).roles).toEqual(['viewer']);
    expectRefusal(await queues(server.url, cookie, { authorization: 'Bearer wrong-secret' }), 401, 'unauthenticated');
  });

  test('means nothing on a server without a dashboard', async () => {
    await using server = await serve({ tokens, storage: 'memory:', dashboard: false });
    const sessions = new Sessions(server.engine.deriveKey, server.engine.clock);
    const [pair = ''] = sessions.cookieOf(sessions.begin(token, '/'), false).split(';');
    expect(sessions.find(pair)).toMatchObject({ token });
    expectRefusal(await queues(server.url, pair), 401, 'unauthenticated');
  });

  test('keeps answers out of every cache', async () => {
    await using server = await serve({ tokens });
    const cookie = await loggedIn(server.url, token);
    expect((await queues(server.url, cookie)).headers['cache-control']).toBe('no-store');
  });
});

describe.each(storages.filter(({ name }) => name !== 'memory'))('a session on $name', ({ name, url }) => {
  test('counts on every server of the store, and after a restart', async () => {
    // A temporary file of SQLite belongs to one server.
    const storage =
      name === 'sqlite' ? `sqlite:${join(mkdtempSync(join(tmpdir(), 'ojs-session-')), 'jobs.db')}` : url();
    const one = await serve({ storage, tokens });
    const cookie = await loggedIn(one.url, token);
    expect((await queues(one.url, cookie)).status).toBe(200);
    await one.close();
    await using other = await serve({ storage, tokens });
    expect((await queues(other.url, cookie)).status).toBe(200);
  });
});

describe('the end of a session', () => {
  test('comes at once when the token is revoked, and is no failed login', async () => {
    await using server = await serveClocked('memory:', {}, { failedLogins: '1/1h' });
    const { engine } = server.bench;
    const { record, token: issued } = await engine.tokens.create(root);
    const cookie = await loggedIn(server.url, issued);
    expect((await queues(server.url, cookie)).status).toBe(200);
    await engine.tokens.revoke(record.id);
    for (let index = 0; index < 3; index++) {
      const refused = await queues(server.url, cookie);
      expectRefusal(refused, 401, 'unauthenticated');
      expect(refused.text).toContain('Log in again.');
    }
    expect(JSON.parse((await state(server.url, { cookie })).text)).toMatchObject({ authenticated: false });
    expect(server.lines).toEqual([]);
  });

  test('by the visitor removes every cookie that opens, at its own path', async () => {
    await using server = await serve({ tokens });
    const cookies: string[] = [];
    for (const base_path of ['/ops/', '/'])
      cookies.push(cookiesOf(await login(server.url, { token, base_path }))[0]?.pair ?? '');
    const headers = { ...ownPage, cookie: `theme=dark; ${cookies.join('; ')}; ojs_session_AAAAAAAA=stale` };
    const response = await send(server.url, { method: 'DELETE', path: '/dashboard/session', headers });
    expect(response.status).toBe(200);
    expect(JSON.parse(response.text)).toMatchObject({ required: true, authenticated: false, rights: [] });
    expect(response.headers['set-cookie']).toEqual(
      ['/ops/', '/'].map(
        (path, index) => `${cookies[index]?.split('=')[0]}=; Path=${path}; Max-Age=0; HttpOnly; SameSite=Lax`,
      ),
    );
    const again = await send(server.url, { method: 'DELETE', path: '/dashboard/session' });
    expect([again.status, cookiesOf(again)]).toEqual([200, []]);
  });

  test('of the one before comes with a login', async () => {
    await using server = await serve({ tokens: ['viewer:viewer-secret', 'admin:admin-secret'] });
    const before = cookiesOf(await login(server.url, { token: 'viewer-secret', base_path: '/ops/dashboard/' }))[0]
      ?.pair;
    const response = await login(
      server.url,
      { token: 'admin-secret', base_path: '/ops/' },
      { ...ownPage, cookie: before ?? '' },
    );
    const [ended, begun] = cookiesOf(response);
    expect(ended).toEqual({
      pair: `${before?.split('=')[0]}=`,
      attributes: 'Path=/ops/dashboard/; Max-Age=0; HttpOnly; SameSite=Lax',
    });
    expect(JSON.parse((await state(server.url, { cookie: begun?.pair ?? '' })).text).roles).toEqual(['admin']);
  });
});

describe('a login', () => {
  test('with a wrong token is 401, and makes no cookie', async () => {
    await using server = await serve({ tokens });
    for (const wrong of ['wrong-secret', `${token}x`, token.slice(1), `ojs_${'0'.repeat(16)}_${'A'.repeat(43)}`]) {
      const response = await login(server.url, { token: wrong });
      expectRefusal(response, 401, 'unauthenticated');
      expect([cookiesOf(response), response.text.includes(wrong)]).toEqual([[], false]);
    }
  });

  const wrongPaths = [
    'ops/',
    '',
    '/a;b',
    '/a; Domain=evil.test',
    '/a\r\nSet-Cookie: a=b',
    '/a/../b/',
    '//a/',
    '/ä/',
    '/a b/',
    '/a"b',
    '/a\\b',
    'https://evil.test/',
    `/${'x'.repeat(512)}`,
  ];
  test.each<readonly [what: string, body: object, name: string]>([
    ['no token', {}, 'token'],
    ['a token that is no text', { token: 7 }, 'token'],
    ['an empty token', { token: '' }, 'token'],
    ['a token with a space', { token: `${token} x` }, 'token'],
    ['a token that fits no cookie', { token: 'x'.repeat(1_025) }, 'token'],
    ...wrongPaths.map((path) => [`the path ${JSON.stringify(path)}`, { token, base_path: path }, 'base_path'] as const),
  ])('with %s is 400', async (_, body, name) => {
    await using server = await serve({ tokens });
    const response = await login(server.url, body);
    expectRefusal(response, 400, 'invalid_request');
    expect(JSON.parse(response.text).error.message).toContain(`$.${name}`);
    expect(cookiesOf(response)).toEqual([]);
    expect(response.text).not.toContain(token);
  });

  test('with a body that is no JSON object, or too large, is refused', async () => {
    await using server = await serve({ tokens });
    const post = (body?: string) =>
      send(server.url, { method: 'POST', path: '/dashboard/session', ...(body !== undefined && { body }) });
    for (const body of [undefined, `{"token": "${token}"`, `"${token}"`, 'null']) {
      const response = await post(body);
      expectRefusal(response, 400);
      expect(response.text).not.toContain(token);
    }
    expectRefusal(await post(JSON.stringify({ token, more: 'x'.repeat(8_192) })), 413, 'envelope_too_large');
  });

  test('that guesses is slowed, logged and audited without the token', async () => {
    await using server = await serveClocked('memory:', {}, { tokens, failedLogins: '2/1h' });
    const cookie = await loggedIn(server.url, token);
    for (const guess of ['guess-one', 'guess-two'])
      expectRefusal(await login(server.url, { token: guess }), 401, 'unauthenticated');
    let isAnswered = false;
    const third = login(server.url, { token: 'guess-three' }).then((response) => {
      isAnswered = true;
      return response;
    });
    for (let index = 0; index < 5; index++) expect((await queues(server.url, cookie)).status).toBe(200);
    expect(isAnswered).toBe(false);
    expectRefusal(await third, 401, 'unauthenticated');
    const line = { message: 'login failed', route: 'POST /dashboard/session', address: '127.0.0.1' };
    expect(server.lines).toEqual([expect.objectContaining(line), expect.objectContaining(line)]);
    const audit = await send(server.url, { path: '/ojs/v1/admin/audit', headers: { cookie } });
    const types = JSON.parse(audit.text).items.map((entry: { event_type: string }) => entry.event_type);
    expect(types.toSorted()).toEqual(['authentication.failed', 'authentication.failed', 'authentication.succeeded']);
    for (const text of [audit.text, JSON.stringify(server.lines)]) {
      expect(text).not.toContain('guess-');
      expect(text).not.toContain(token);
      expect(text).not.toContain(cookie.split('=')[1] ?? 'no cookie');
    }
  });
});

describe('a request with a cookie', () => {
  const own = (url: string) => ({ origin: url });

  test('changes something only with the header of a page of this origin', async () => {
    await using server = await serve({ tokens, allowedOrigins: ['http://friend.test'] });
    const { url } = server;
    const cookie = await loggedIn(url, token);
    const refused: readonly Readonly<Record<string, string>>[] = [
      {},
      own(url),
      { 'sec-fetch-site': 'same-origin' },
      { 'x-ojs-csrf': '1' },
      { 'x-ojs-csrf': '0', 'sec-fetch-site': 'same-origin' },
      { 'x-ojs-csrf': '1', 'sec-fetch-site': 'none' },
      { 'x-ojs-csrf': '1', 'sec-fetch-site': 'same-site' },
      { 'x-ojs-csrf': '1', 'sec-fetch-site': 'cross-site' },
      { 'x-ojs-csrf': '1', 'sec-fetch-site': 'same-site', ...own(url) },
      { 'x-ojs-csrf': '1', origin: 'http://friend.test' },
      { 'x-ojs-csrf': '1', origin: 'http://friend.test', 'sec-fetch-site': 'same-site' },
      { 'x-ojs-csrf': '1', origin: 'null' },
    ];
    for (const headers of refused) {
      const response = await pause(url, { cookie, ...headers });
      expectRefusal(response, 403, 'permission_denied');
      for (const method of ['POST', 'DELETE'])
        expectRefusal(
          await send(url, { method, path: '/dashboard/session', headers: { cookie, ...headers } }),
          403,
          'permission_denied',
        );
    }
    expect((await pause(url, { cookie })).text).toContain('x-ojs-csrf: 1');
    const states = async () => JSON.parse((await queues(url, cookie)).text).queues ?? [];
    expect(JSON.stringify(await states())).not.toContain('mail');
    for (const headers of [ownPage, { ...own(url), 'x-ojs-csrf': '1' }, { ...own(url), ...ownPage }])
      expect((await pause(url, { cookie, ...headers })).status).toBe(200);
  });

  test('reads from this origin, or from an address that somebody typed', async () => {
    await using server = await serve({ tokens, allowedOrigins: ['http://friend.test'] });
    const { url } = server;
    const cookie = await loggedIn(url, token);
    for (const headers of [{}, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }, own(url)])
      expect((await queues(url, cookie, headers)).status).toBe(200);
    for (const headers of [
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'http://friend.test' },
      { origin: 'http://friend.test', 'sec-fetch-site': 'cross-site' },
    ])
      expectRefusal(await queues(url, cookie, headers), 403, 'permission_denied');
  });

  test('needs no such header where a token comes in Authorization, or the cookie does not open', async () => {
    await using server = await serve({ tokens });
    const cookie = await loggedIn(server.url, token);
    expect((await pause(server.url, { cookie, authorization: `Bearer ${token}` })).status).toBe(200);
    expectRefusal(await pause(server.url, { cookie: 'ojs_session_AAAAAAAA=stale' }), 401, 'unauthenticated');
  });

  test('follows events until the session ends, and opens no WebSocket', async () => {
    await using server = await serveClocked('memory:', {}, { tokens });
    const { url, bench } = server;
    const cookie = await loggedIn(url, token);
    using stream = await openStream(url, '/events/stream?channel=all', { cookie });
    expect(stream.status).toBe(200);
    await stream.events.take(1);
    await bench.push();
    expect(await stream.events.take(1)).toMatchObject([{ event: 'job.enqueued' }]);
    await expect(openSocket(url, { headers: { cookie } })).rejects.toThrow(/^401 /);
    bench.clock.advance(12 * hours);
    expect(await stream.events.rest()).toEqual([]);
  });
});
