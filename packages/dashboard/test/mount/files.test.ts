import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pages } from '../../src/index.ts';
import { builtPages, script } from './support.ts';

const pages = new Pages({ apiRoot: '../', folder: builtPages() });
const ask = (path: string, headers: Record<string, string> = {}, segment = '') =>
  pages.answer({ path, segment, header: (name) => headers[name] });

test('a large file is compressed for whom takes it, and each encoding has its entity tag', async () => {
  const path = `/${script}`;
  const whole = await ask(path);
  const tags = new Set([whole.headers.etag]);
  for (const [accepted, encoding, unpack] of [
    ['br, gzip;q=0.8', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
  ] as const) {
    const small = await ask(path, { 'accept-encoding': accepted });
    expect(small.headers).toMatchObject({ 'content-encoding': encoding, vary: 'Accept-Encoding' });
    expect(unpack(small.body ?? '')).toEqual(whole.body);
    expect(small.body?.length).toBeLessThan(200);
    tags.add(small.headers.etag);
  }
  expect(tags.size).toBe(3);
  for (const refused of ['', 'deflate', 'gzip;q=0', 'gzip;q=0.0, br;q=0'])
    expect((await ask(path, { 'accept-encoding': refused })).headers).not.toHaveProperty('content-encoding');
  expect((await ask('/assets/index-A1.css', { 'accept-encoding': 'gzip' })).headers).not.toHaveProperty(
    'content-encoding',
  );
});

test('a browser keeps what is named by its content, and asks again for the rest', async () => {
  const file = await ask(`/${script}`);
  expect(file.headers['cache-control']).toBe('max-age=31536000, immutable');
  const page = await ask('/queues');
  expect(page.headers['cache-control']).toBe('no-cache');
  const etag = page.headers.etag ?? '';
  for (const asked of [etag, `"x", ${etag}`, `W/${etag}`, '*'])
    expect((await ask('/queues', { 'if-none-match': asked })).status).toBe(304);
  expect((await ask('/queues', { 'if-none-match': '"x"' })).status).toBe(200);
  expect((await ask('/queues/mail', { 'if-none-match': etag })).status).toBe(200);
});

test('nothing outside of the folder is served, and its index.html is a view like others', async () => {
  expect((await ask('/assets/../../package.json')).status).toBe(404);
  for (const path of ['/../package.json', '/%2e%2e/package.json', '/index.html'])
    expect((await ask(path)).headers['content-type']).toBe('text/html; charset=utf-8');
});

test('whatever path was asked for, the script is found, and the path is no part of the page', async () => {
  const segment = fc.string({ minLength: 1, maxLength: 8 }).map((text) => encodeURIComponent(text.toWellFormed()));
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { maxLength: 5 }), segment, fc.boolean(), async (below, last, bare) => {
      fc.pre(!['.', '..', 'assets'].some((name) => below.includes(name) || last === name));
      const path = bare ? '' : `/${below.join('/')}`;
      const { body } = await ask(path, {}, last);
      const html = Buffer.from(body ?? '').toString();
      const src = /<script [^>]*src="([^"]*)"/.exec(html)?.[1] ?? '';
      const base = new URL(`http://host/ops/${last}${path}`);
      expect(new URL(src, base).href).toBe(new URL(`http://host/ops/${last}/${script}`).href);
    }),
  );
});

test('a segment cannot leave the attribute that it stands in', async () => {
  const { body } = await ask('', {}, `"><script src=x>&'`);
  expect(Buffer.from(body ?? '').toString()).toContain(`src="./%22%3E%3Cscript%20src=x%3E%26'/${script}"`);
});

/** A folder that is built again and again, and a clock for its looks. */
function rebuilding() {
  const path = mkdtempSync(join(tmpdir(), 'ojs-rebuilt-'));
  const folder = pathToFileURL(`${path}/`);
  let now = 0;
  let builds = 0;
  const rebuilt = new Pages({ apiRoot: './', folder, now: () => now });
  return {
    wait: (ms: number) => {
      now += ms;
    },
    /** Names its script after the build. */
    build: (name: string, parts: readonly ('index' | 'script')[] = ['script', 'index']) => {
      mkdirSync(join(path, 'assets'), { recursive: true });
      if (parts.includes('script')) writeFileSync(join(path, `assets/${name}.js`), `// ${name}`);
      if (!parts.includes('index')) return;
      const index = join(path, 'index.html');
      writeFileSync(index, `<meta name="ojs-api-root" content="../"><script src="./assets/${name}.js"></script>`);
      // Builds of one test may come within the same tick of the clock.
      utimesSync(index, 1_000, 1_000 + ++builds);
    },
    remove: () => {
      rmSync(path, { recursive: true });
    },
    /** The status of a page, and the script that it names. */
    shown: async (asked = '/jobs') => {
      const { status, body } = await rebuilt.answer({ path: asked, header: () => undefined });
      return [status, /assets\/(\w+)\.js/.exec(Buffer.from(body ?? '').toString())?.[1] ?? null];
    },
  };
}

test('a build is looked for once a second, and noticed when it is replaced', async () => {
  const { wait, build, shown } = rebuilding();
  expect(await Promise.all([shown(), shown('/assets/one.js')])).toEqual([
    [503, null],
    [503, null],
  ]);
  build('one');
  wait(999);
  expect(await shown()).toEqual([503, null]);
  wait(1);
  expect(await Promise.all([shown(), shown('')])).toEqual([
    [200, 'one'],
    [200, 'one'],
  ]);
  build('two');
  expect(await shown()).toEqual([200, 'one']);
  wait(1_000);
  expect(await shown()).toEqual([200, 'two']);
});

test('a build that is incomplete or gone leaves the one before; files of an older build are 404', async () => {
  const { wait, build, shown, remove } = rebuilding();
  build('one', ['index']);
  expect(await shown()).toEqual([503, null]);
  wait(1_000);
  build('one');
  expect(await shown()).toEqual([200, 'one']);
  remove();
  wait(1_000);
  expect([await shown(), await shown('/assets/one.js')]).toEqual([
    [200, 'one'],
    [200, null],
  ]);
  build('two', ['index']);
  wait(1_000);
  expect(await shown()).toEqual([200, 'one']);
  build('two', ['script']);
  wait(1_000);
  expect([await shown(), await shown('/assets/one.js')]).toEqual([
    [200, 'two'],
    [404, null],
  ]);
});
