import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pages } from '../../src/index.ts';
import { builtPages, script } from './support.ts';

function read(): Pages {
  const pages = Pages.read('../', builtPages());
  if (pages === null) throw new Error('there are no pages');
  return pages;
}

const pages = read();
const ask = (path: string, headers: Record<string, string> = {}, segment = '') =>
  pages.answer({ path, segment, header: (name) => headers[name] });

test('a large file is compressed for whom takes it, under the same entity tag', async () => {
  const path = `/${script}`;
  const whole = await ask(path);
  const small = await ask(path, { 'accept-encoding': 'br, gzip;q=0.8' });
  expect(small.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
  expect(gunzipSync(small.body ?? '')).toEqual(whole.body);
  expect(small.body?.length).toBeLessThan(200);
  expect(small.headers.etag).toBe(whole.headers.etag);
  for (const refused of ['', 'br', 'gzip;q=0', 'gzip;q=0.0, br'])
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
  for (const asked of [etag, `"x", ${etag}`, etag.replace('W/', ''), '*'])
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
