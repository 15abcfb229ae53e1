import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DocsPackage, findDocs } from '../../../src/http/dashboard/docs.ts';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { send } from '../../support/request.ts';
import { builtFolder } from './fixture.ts';

const policy = "default-src 'none'; script-src 'self' 'sha256-abc='";
const html = { accept: 'text/html,*/*;q=0.8' };

const files: Readonly<Record<string, string>> = {
  'index.html': '<title>Start</title>',
  '404.html': '<title>Missing</title>',
  'guides/retries.html': '<title>Retries</title>',
  'guides/retries.md': '# Retries',
  'operate/index.html': '<title>Operate</title>',
  'a b.html': '<title>Space</title>',
  'assets/app.abc.js': 'console.log(1)',
  'assets/app.abc.js.map': '{}',
  'llms.txt': 'pages',
};

/** A package on the disk, as npm would install it: its entry exports what the server reads. */
function writePackage(pages: Readonly<Record<string, string>> = files): { readonly entry: string } {
  const root = mkdtempSync(join(tmpdir(), 'ojs-docs-'));
  const folder = join(root, 'public');
  mkdirSync(folder);
  for (const [path, content] of Object.entries(pages)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  writeFileSync(join(root, 'secret.txt'), 'outside of the folder');
  const entry = join(root, 'index.mjs');
  writeFileSync(
    entry,
    `export const folder = ${JSON.stringify(folder)};\nexport const contentSecurityPolicy = ${JSON.stringify(policy)};\n`,
  );
  return { entry: pathToFileURL(entry).href };
}

async function installed(): Promise<DocsPackage> {
  const docs = await findDocs(writePackage().entry);
  if (docs === null) throw new Error('the package was not found');
  return docs;
}

const docsUrlIn = (text: string): unknown => JSON.parse(text).error.docs_url;

describe('with the package', () => {
  let server: ClockedServer;
  let guarded: ClockedServer;
  beforeAll(async () => {
    const docs = await installed();
    server = await serveClocked('memory:', {}, {}, { docs, pages: builtFolder() });
    guarded = await serveClocked(
      'memory:',
      {},
      { tokens: ['a-long-secret', 'enqueue:another-secret'], requestRate: '1/60s' },
      { docs },
    );
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await guarded[Symbol.asyncDispose]();
  });
  const ask = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
    send(server.url, { path, headers, method });

  test.each([
    ['/docs/', 'index.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/docs/?a=b', 'index.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/docs/guides/retries', 'guides/retries.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/docs/guides/retries.html', 'guides/retries.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/docs/guides/retries.md', 'guides/retries.md', 'text/markdown; charset=utf-8', 'no-cache'],
    ['/docs/operate/', 'operate/index.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/docs/a%20b', 'a b.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/docs/llms.txt', 'llms.txt', 'text/plain; charset=utf-8', 'no-cache'],
    ['/docs/assets/app.abc.js', 'assets/app.abc.js', 'text/javascript; charset=utf-8', 'max-age=31536000, immutable'],
  ])(
    '%s is %s, with its media type, caching, entity tag and the policy of the package',
    async (path, file, type, caching) => {
      const { status, text, headers } = await ask(path);
      expect({ status, text }).toEqual({ status: 200, text: files[file] });
      expect(headers).toMatchObject({
        'content-type': type,
        'cache-control': caching,
        'content-security-policy': policy,
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(await ask(path, { 'if-none-match': String(headers.etag) })).toMatchObject({ status: 304, text: '' });
      const { 'x-request-id': _, date: __, ...same } = headers;
      expect(await ask(path, {}, 'HEAD')).toMatchObject({ status: 200, text: '', headers: same });
    },
  );

  test('a path without its slash leads to the page', async () => {
    expect(await ask('/docs')).toMatchObject({ status: 308, headers: { location: 'docs/' } });
    expect(await ask('/docs/operate')).toMatchObject({ status: 308, headers: { location: 'operate/' } });
  });

  test.each([
    '/docs/nothing',
    '/docs/assets/app.abc.js.map',
    '/docs/../secret.txt',
    '/docs/%2e%2e/secret.txt',
    '/docs/..%2fsecret.txt',
    '/docs/..%5csecret.txt',
    '/docs/guides/../../secret.txt',
    '/docs//secret.txt',
    '/docs//example.com/operate',
    '/docs/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    '/docs/....//secret.txt',
    '/docs/operate/index.html/',
    '/docs/%00',
  ])('%s is no page', async (path) => {
    expectRefusal(await ask(path), 404, 'not_found');
  });

  test('no page gives its address to another site, opens beside one, or sets a cookie', async () => {
    for (const path of ['/docs/', '/docs/guides/retries', '/docs/assets/app.abc.js']) {
      const { headers } = await ask(path);
      expect(headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin' });
      expect(headers['set-cookie']).toBeUndefined();
    }
  });

  test('the session names these pages, for the menu of the dashboard', async () => {
    expect(JSON.parse((await ask('/dashboard/session')).text)).toMatchObject({ docs_url: `${server.url}/docs/` });
  });

  test('pages can only be read', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) expectRefusal(await ask('/docs/', {}, method), 404, 'not_found');
  });

  test('the dashboard has its own policy', async () => {
    const { headers } = await ask('/dashboard/');
    expect(headers['content-security-policy']).not.toContain('sha256');
  });

  test('errors link to the pages of this server, under the name of the request', async () => {
    const own = `${server.url}/docs/reference/errors.html#not_found`;
    expect(docsUrlIn((await ask('/ojs/v1/jobs/none')).text)).toBe(own);
    expect(docsUrlIn((await ask('/nothing', { host: 'localhost:9' })).text)).toBe(
      'http://localhost:9/docs/reference/errors.html#not_found',
    );
    const [item] = JSON.parse(
      (await send(server.url, { method: 'POST', path: '/ojs/v1/jobs/bulk/cancel', body: '{"job_ids":["x"]}' })).text,
    ).items;
    expect(item.error.docs_url).toBe(own);
  });

  test('a server with tokens asks for one, and shows browsers where to log in', async () => {
    const from = (headers: Readonly<Record<string, string>>, path = '/docs/') => send(guarded.url, { path, headers });
    expectRefusal(await from({}), 401, 'unauthenticated');
    const page = await from(html);
    expect(page).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer', 'cache-control': 'no-store' } });
    expect(page.text).toContain('href="/dashboard/"');
    expectRefusal(await from({ authorization: 'Bearer wrong' }), 401, 'unauthenticated');
    // Any role will do, and pages do not count for the request rate.
    for (const path of ['/docs/', '/docs/guides/retries', '/docs/llms.txt'])
      expect((await from({ authorization: 'Bearer another-secret' }, path)).status).toBe(200);
  });

  test('a session of the dashboard reads the pages, from a link on another site too', async () => {
    const login = await send(guarded.url, {
      method: 'POST',
      path: '/dashboard/session',
      headers: { 'x-ojs-csrf': '1' },
      body: JSON.stringify({ token: 'a-long-secret' }),
    });
    const cookie = String(login.headers['set-cookie']).split(';')[0] ?? '';
    const visit = {
      cookie,
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    expect((await send(guarded.url, { path: '/docs/', headers: visit })).text).toBe(files['index.html']);
    const embedded = {
      cookie,
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'no-cors',
      'sec-fetch-dest': 'script',
    };
    expectRefusal(await send(guarded.url, { path: '/docs/', headers: embedded }), 403, 'permission_denied');
    // A frame of another site, and a form that another site posts.
    const framed = { ...visit, 'sec-fetch-dest': 'iframe' };
    expectRefusal(await send(guarded.url, { path: '/docs/', headers: framed }), 403, 'permission_denied');
    expectRefusal(
      await send(guarded.url, { method: 'POST', path: '/docs/', headers: visit }),
      403,
      'permission_denied',
    );
  });
});

describe('without the package', () => {
  test('every page is 404 and says how to install it, with tokens too', async () => {
    await using server = await serveClocked('memory:', {}, { tokens: ['a-long-secret'] });
    for (const path of ['/docs/', '/docs/guides/retries']) {
      const response = await send(server.url, { path });
      expectRefusal(response, 404, 'not_found');
      const { message, hint } = JSON.parse(response.text).error;
      expect(`${message} ${hint}`).toBe(
        'This server has no documentation, because the package @ojs-ts/docs is not installed. Install it on the ' +
          'server with npm i @ojs-ts/docs, or read https://github.com/ojs-ts/ojs-ts/blob/main/docs/README.md.',
      );
    }
  });

  test('errors link to the repository, or to the address of the option', async () => {
    await using plain = await serveClocked('memory:');
    await using other = await serveClocked(
      'memory:',
      {},
      { docsUrl: 'https://docs.example.com/ojs' },
      { docs: await installed() },
    );
    const [of, ofOther] = await Promise.all([plain, other].map(({ url }) => send(url, { path: '/nothing' })));
    expect(docsUrlIn(of?.text ?? '')).toBe(
      'https://github.com/ojs-ts/ojs-ts/blob/main/docs/reference/errors.md#not_found',
    );
    expect(docsUrlIn(ofOther?.text ?? '')).toBe('https://docs.example.com/ojs/reference/errors.html#not_found');
    const expecting = await send(other.url, { path: '/nothing', headers: { expect: 'a miracle' } });
    expect(docsUrlIn(expecting.text)).toBe('https://docs.example.com/ojs/reference/errors.html#invalid_request');
  });

  test('only a missing package is no error', async () => {
    expect(await findDocs('@ojs-ts/no-such-package')).toBeNull();
    expect(await findDocs(writePackage({ 'guides/retries.html': '' }).entry)).toBeNull();
    const { entry } = writePackage();
    await expect(findDocs(entry.replace('index.mjs', 'public/assets/app.abc.js'))).rejects.toThrow(
      'expected the exports folder and contentSecurityPolicy, both texts',
    );
  });
});
