import { readdirSync, readFileSync } from 'node:fs';
import { playgroundFolder } from '@ojs-ts/dashboard';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../../src/index.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { send } from '../../support/request.ts';
import { serve } from '../../support/server.ts';

const files = readdirSync(playgroundFolder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));
const paths = files.map((name) => `/${name.replaceAll('\\', '/').replace(/\.html$/, '')}`);
const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

describe('the playground', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await serve({ tokens: ['a-long-secret'] });
  });
  afterAll(() => server?.close());

  test('each file is public, with its media type and a policy', async () => {
    expect(paths).toContain('/playground');
    const types: Readonly<Record<string, string>> = {
      css: 'text/css; charset=utf-8',
      js: 'text/javascript; charset=utf-8',
      svg: 'image/svg+xml',
    };
    for (const path of paths) {
      const { status, headers, text } = await send(server.url, { path });
      expect(status, path).toBe(200);
      expect(headers['content-type'], path).toBe(types[path.split('.')[1] ?? ''] ?? 'text/html; charset=utf-8');
      expect(headers['content-length'], path).toBe(String(Buffer.byteLength(text)));
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['content-security-policy']).toMatch(
        /default-src 'none'; script-src 'self'; .*frame-ancestors 'none'; require-trusted-types-for 'script'/,
      );
      expect(headers['content-security-policy']).not.toMatch(/unsafe|https?:|\*/);
    }
    expectRefusal(await send(server.url, { path: '/ojs/v1/queues' }), 401, 'unauthenticated');
  });

  test('an unchanged file is not sent again', async () => {
    const { headers, text } = await send(server.url, { path: '/playground' });
    const etag = headers.etag ?? '';
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    expect(headers['cache-control']).toBe('no-cache');
    for (const match of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await send(server.url, { path: '/playground', headers: { 'if-none-match': match } });
      expect(again, match).toMatchObject({ status: 304, text: '', headers: { etag } });
      expect(again.headers['content-security-policy']).toBeDefined();
    }
    expect(await send(server.url, { path: '/playground', headers: { 'if-none-match': '"other"' } })).toMatchObject({
      status: 200,
      text,
    });
  });

  test('HEAD answers the head', async () => {
    const { headers } = await send(server.url, { path: '/playground/main.js' });
    const { 'x-request-id': _, date: __, ...same } = headers;
    expect(await send(server.url, { method: 'HEAD', path: '/playground/main.js' })).toMatchObject({
      status: 200,
      text: '',
      headers: same,
    });
  });

  test('a superfluous slash is removed', async () => {
    const { status, headers } = await send(server.url, { path: '/playground/' });
    expect({ status, location: headers.location }).toEqual({ status: 308, location: '../playground' });
    expect(new URL(headers.location ?? '', 'http://proxy.test/jobs/playground/').pathname).toBe('/jobs/playground');
  });

  test('no other folder and no parent folder is served', async () => {
    for (const path of [
      '/playground/x/',
      '/playground.html',
      '/playground/../../package.json',
      '/playground/%2e%2e/%2e%2e/package.json',
      '/package.json',
    ]) {
      expect((await send(server.url, { path })).status, path).toBe(404);
    }
    expect((await send(server.url, { method: 'POST', path: '/playground', body: '{}' })).status).toBe(404);
  });

  test('another site may link to it, but not load, frame or call anything', async () => {
    expect((await send(server.url, { path: '/playground', headers: visit })).status).toBe(200);
    for (const [path, headers] of [
      ['/playground', { ...visit, 'sec-fetch-dest': 'iframe' }],
      ['/playground', { ...visit, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }],
      ['/playground', { ...visit, host: 'rebound.test' }],
      ['/playground', { ...visit, origin: 'http://foreign.test' }],
      ['/ojs/manifest', visit],
      ['/ojs/v1/queues', visit],
      ['/nowhere', visit],
    ] as const) {
      expectRefusal(await send(server.url, { path, headers }), 403, 'permission_denied');
    }
  });

  test('the page names no other host, has no inline script or style, and only existing files', () => {
    const html = readFileSync(new URL('playground.html', playgroundFolder), 'utf8');
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
    const named = [...html.matchAll(/(?:src|href)="([^"#][^"]*)"/g)].map((match) => `/${match[1]}`);
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((path) => !paths.includes(path))).toEqual([]);
    for (const file of files) {
      const text = readFileSync(new URL(file, playgroundFolder), 'utf8').replaceAll('http://www.w3.org/2000/svg', '');
      expect(text, file).not.toMatch(/https?:\/\//);
    }
  });
});

test('a server can be without the page', async () => {
  await using server = await serve({ dashboard: false });
  for (const path of paths) expectRefusal(await send(server.url, { path }), 404, 'not_found');
  expectRefusal(await send(server.url, { path: '/playground', headers: visit }), 403, 'permission_denied');
});

test('a page does not count against the request rate of its visitor', async () => {
  await using server = await serve({ requestRate: '1/1h' });
  for (const path of paths) expect((await send(server.url, { path })).status).toBe(200);
  expect((await send(server.url, { path: '/ojs/v1/queues' })).status).toBe(200);
  expectRefusal(await send(server.url, { path: '/ojs/v1/queues' }), 429, 'rate_limited');
});
