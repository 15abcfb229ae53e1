import { once } from 'node:events';
import { createServer, request as forward, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { send } from '../../support/request.ts';
import { serve } from '../../support/server.ts';
import { builtFolder, emptyFolder, icon, script, writeBuild } from './fixture.ts';

const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const immutable = 'max-age=31536000, immutable';

/** The body as it is on the wire. */
async function bytesOf(url: string, accepted: string): Promise<{ encoding: string | undefined; content: Buffer }> {
  const [response] = await once(get(url, { agent: false, headers: { 'accept-encoding': accepted } }), 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { encoding: response.headers['content-encoding'], content: Buffer.concat(chunks) };
}

function addressesIn(page: string): readonly string[] {
  return [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, address = '']) => address);
}

describe('the built dashboard', () => {
  let server: ClockedServer;
  beforeAll(async () => {
    const options = { tokens: ['a-long-secret'], allowedOrigins: ['http://friend.test'] };
    server = await serveClocked('memory:', {}, options, { pages: builtFolder() });
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const ask = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
    send(server.url, { path, headers, method });

  test.each([
    '',
    'index.html',
    'jobs',
    'jobs?q=./x',
    'jobs/',
    'jobs/1/timeline',
    'jobs/a%2Fb',
    'queues/a%2F..%2Fb/',
    '/x',
    'a/'.repeat(32),
  ])('at /dashboard/%s the addresses in the page lead to its files', async (path) => {
    const { status, text, headers } = await ask(`/dashboard/${path}`);
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'text/html; charset=utf-8' });
    for (const prefix of ['', '/ops', '/a/b/c']) {
      const at = new URL(`http://proxy.test${prefix}/dashboard/${path}`);
      expect(addressesIn(text).map((address) => new URL(address, at).href)).toEqual(
        ['icon.svg', 'app.webmanifest', 'assets/main-abc.css', 'assets/main-abc.js'].map(
          (file) => `http://proxy.test${prefix}/dashboard/${file}`,
        ),
      );
    }
    // The browser side resolves it against the UI root.
    expect(text).toContain('<meta name="ojs-api-root" content="../">');
  });

  test('what is no page and no file is 404', async () => {
    for (const path of [
      'assets/main-old.js',
      'assets/main-abc.js.map',
      'assets/',
      'assets/../assets/main-abc.js',
      'a/'.repeat(33),
    ])
      expectRefusal(await ask(`/dashboard/${path}`), 404, 'not_found');
    expectRefusal(await ask('/dashboard/jobs', {}, 'POST'), 404, 'not_found');
    for (const path of ['secret.env', '%2e%2e/package.json', '../package.json'])
      expect((await ask(`/dashboard/${path}`)).text).toContain('<title>Dashboard</title>');
  });

  test.each([
    ['assets/main-abc.js', 'text/javascript; charset=utf-8', immutable],
    ['assets/main-abc.css', 'text/css; charset=utf-8', immutable],
    ['assets/data-abc.json', 'application/json; charset=utf-8', immutable],
    ['assets/font-abc.woff2', 'font/woff2', immutable],
    ['assets/picture-abc.png', 'image/png', immutable],
    ['icon.svg', 'image/svg+xml', 'no-cache'],
    ['app.webmanifest', 'application/manifest+json; charset=utf-8', 'no-cache'],
    ['jobs/1', 'text/html; charset=utf-8', 'no-cache'],
  ])('%s has its media type, caching, entity tag and a strict policy', async (path, type, caching) => {
    const { headers, status } = await ask(`/dashboard/${path}`);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': type,
      'cache-control': caching,
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
    const policy = String(headers['content-security-policy']);
    expect(policy).not.toMatch(/unsafe|https?:|data:|blob:|\*/);
    expect(policy.split('; ').map((directive) => directive.split(' '))).toEqual(
      expect.arrayContaining([
        ['default-src', "'none'"],
        ...['script', 'style', 'img', 'font', 'connect', 'worker', 'manifest'].map((name) => [`${name}-src`, "'self'"]),
        ['frame-ancestors', "'none'"],
        ['require-trusted-types-for', "'script'"],
      ]),
    );
    const match = { 'if-none-match': String(headers.etag) };
    expect(await ask(`/dashboard/${path}`, match)).toMatchObject({ status: 304, text: '' });
    const { 'x-request-id': _, date: __, ...same } = headers;
    expect(await ask(`/dashboard/${path}`, {}, 'HEAD')).toMatchObject({ status: 200, text: '', headers: same });
  });

  test.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['BR;q=0, gzip;q=0.5', 'gzip'],
    ['br;q=0.0, gzip; q=0', undefined],
    ['deflate', undefined],
    ['', undefined],
  ])('a client that takes "%s" gets the encoding %s', async (accepted, encoding) => {
    const path = '/dashboard/assets/main-abc.js';
    const got = await bytesOf(`${server.url}${path}`, accepted);
    expect(got.encoding).toBe(encoding);
    const unpack = { br: brotliDecompressSync, gzip: gunzipSync }[encoding ?? ''] ?? ((content: Buffer) => content);
    expect(unpack(got.content).toString()).toBe(script);
    if (encoding !== undefined) expect(got.content.length).toBeLessThan(script.length / 5);
  });

  test('each encoding has its entity tag, and answers name what they depend on', async () => {
    const path = '/dashboard/assets/main-abc.js';
    const tags = new Set<string>();
    for (const accepted of ['', 'gzip', 'br']) {
      const { headers } = await ask(path, { 'accept-encoding': accepted });
      expect(headers.vary).toBe('Origin, Accept-Encoding');
      tags.add(String(headers.etag));
      const match = { 'accept-encoding': accepted, 'if-none-match': `W/${headers.etag}` };
      expect((await ask(path, match)).status).toBe(304);
    }
    expect(tags.size).toBe(3);
    // Compressed it would be longer.
    const { headers } = await ask('/dashboard/app.webmanifest', { 'accept-encoding': 'gzip' });
    expect(headers['content-encoding']).toBeUndefined();
    const picture = await bytesOf(`${server.url}/dashboard/assets/picture-abc.png`, 'gzip, br');
    expect(picture).toEqual({ encoding: undefined, content: icon });
  });

  test('a browser is led from / and from /dashboard to the dashboard, and others get the hint', async () => {
    expect(await ask('/', html)).toMatchObject({
      status: 302,
      headers: { location: 'dashboard/', vary: 'Origin, Accept' },
    });
    expect(await ask('/dashboard')).toMatchObject({ status: 308, headers: { location: 'dashboard/' } });
    expect(await ask('/dashboard?a=b/c')).toMatchObject({ status: 308, headers: { location: 'dashboard/?a=b/c' } });
    for (const accept of ['*/*', 'application/json', ''])
      expectRefusal(await ask('/', accept === '' ? {} : { accept }), 404, 'not_found');
  });

  test('another site may link to a page, but not load or frame anything', async () => {
    for (const path of ['/', '/dashboard', '/dashboard/', '/dashboard/jobs/1'])
      expect((await ask(path, { ...html, ...visit })).status, path).toBeOneOf([200, 302, 308]);
    for (const headers of [
      { ...visit, 'sec-fetch-dest': 'iframe' },
      { ...visit, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
      { ...visit, host: 'rebound.test' },
    ])
      expectRefusal(await ask('/dashboard/assets/main-abc.js', headers), 403, 'permission_denied');
    expectRefusal(await ask('/dashboard/session', visit), 403, 'permission_denied');
  });

  test('it works behind a proxy that strips a prefix', async () => {
    const target = new URL(server.url);
    const proxy = createServer((incoming, outgoing) => {
      const path = incoming.url?.replace(/^\/ops(?=\/)/, '') ?? '';
      const passed = forward({ host: target.hostname, port: target.port, path, headers: { host: target.host } });
      passed.on('response', (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      passed.end();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void proxy.close());
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const page = await fetch(`http://127.0.0.1:${port}/ops/dashboard`);
    expect(new URL(page.url).pathname).toBe('/ops/dashboard/');
    for (const path of ['', 'queues/mail/limits']) {
      const at = `http://127.0.0.1:${port}/ops/dashboard/${path}`;
      const [, , , main = ''] = addressesIn(await (await fetch(at)).text());
      const loaded = await fetch(new URL(main, at));
      expect([new URL(loaded.url).pathname, await loaded.text()]).toEqual([
        '/ops/dashboard/assets/main-abc.js',
        script,
      ]);
    }
  });
});

describe('a dashboard that is not built yet', () => {
  test('shows a page that reloads itself, until the build is there', async () => {
    const pages = emptyFolder();
    await using server = await serveClocked('memory:', {}, {}, { pages });
    for (const path of ['/dashboard/', '/dashboard/jobs/1', '/dashboard/assets/main-abc.js']) {
      const { status, headers, text } = await send(server.url, { path });
      expect(status).toBe(503);
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        refresh: '2',
        'retry-after': '2',
      });
      expect(text).toContain('is being built');
      expect(text).not.toMatch(/<script|<style|style=/);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
    }
    writeBuild(pages);
    await expect.poll(async () => (await send(server.url, { path: '/dashboard/jobs' })).status).toBe(200);
    expect(server.errors).toEqual([]);
  });
});

test('the old address of the playground leads to its page', async () => {
  await using server = await serve();
  for (const [path, location] of [
    ['/playground', 'dashboard/playground'],
    ['/playground/', '../dashboard/playground'],
  ] as const) {
    const { status, headers } = await send(server.url, { path });
    expect({ status, location: headers.location }).toEqual({ status: 308, location });
    expect(new URL(location, `http://proxy.test/jobs${path}`).pathname).toBe('/jobs/dashboard/playground');
  }
});

test('another site may link to a page, but not load, frame or call anything', async () => {
  await using server = await serve({ tokens: ['a-long-secret'] });
  const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  expect((await send(server.url, { path: '/dashboard', headers: visit })).status).toBe(308);
  for (const [path, headers] of [
    ['/dashboard/', { ...visit, 'sec-fetch-dest': 'iframe' }],
    ['/dashboard/', { ...visit, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }],
    ['/dashboard/', { ...visit, host: 'rebound.test' }],
    ['/dashboard/', { ...visit, origin: 'http://foreign.test' }],
    ['/ojs/manifest', visit],
    ['/ojs/v1/queues', visit],
    ['/nowhere', visit],
  ] as const) {
    expectRefusal(await send(server.url, { path, headers }), 403, 'permission_denied');
  }
});

test('a server can be without the dashboard', async () => {
  await using server = await serve({ dashboard: false });
  for (const path of ['/dashboard', '/dashboard/', '/dashboard/session', '/playground'])
    expectRefusal(await send(server.url, { path, headers: html }), 404, 'not_found');
  expectRefusal(await send(server.url, { path: '/', headers: html }), 404, 'not_found');
});

test('its files do not count against the request rate of a visitor, and logins do', async () => {
  await using server = await serveClocked('memory:', {}, { requestRate: '1/1h' }, { pages: builtFolder() });
  for (const path of ['/', '/dashboard', '/dashboard/', '/dashboard/assets/main-abc.js'])
    expect((await send(server.url, { path, headers: html })).status).toBeLessThan(400);
  expect((await send(server.url, { path: '/dashboard/session' })).status).toBe(200);
  expectRefusal(await send(server.url, { path: '/dashboard/session' }), 429, 'rate_limited');
});
