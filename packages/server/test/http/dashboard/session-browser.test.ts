import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { chromiumArgs, findChromium } from '../../support/browser/chromium.ts';
import { selfSigned } from '../../support/certificate.ts';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { builtFolder } from './fixture.ts';

const executablePath = findChromium();
const tokens = ['a-long-secret'];

/** The status of a call of the page, relative to the page; 0 where the browser gives it no answer. */
function call(page: Page, path: string, init: object = {}): Promise<number> {
  return page.evaluate(
    ([url, options]) =>
      fetch(url, options).then(
        ({ status }) => status,
        () => 0,
      ),
    [path, init] as const,
  );
}

function logIn(page: Page): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-ojs-csrf': '1' };
  const body = JSON.stringify({ token: tokens[0], base_path: '/' });
  return call(page, 'session', { method: 'POST', headers, body });
}

describe.skipIf(executablePath === null)('a session in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: [...chromiumArgs] });
  });
  afterAll(() => browser?.close());

  /** Closed before its server, which waits for the connections of the browser. */
  async function open(server: ClockedServer): Promise<Page & AsyncDisposable> {
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    await page.goto(`${server.url}/dashboard/`);
    return Object.assign(page, { [Symbol.asyncDispose]: () => page.context().close() });
  }

  test.each([
    ['http', {}, /^ojs_session_/],
    ['https', { tls: selfSigned() }, /^__Host-ojs_session$/],
  ])('over %s is kept, sent, hidden from scripts, and removed', async (_, options, name) => {
    await using server = await serveClocked('memory:', {}, { tokens, ...options }, { pages: builtFolder() });
    await using page = await open(server);
    expect(await call(page, '../ojs/v1/queues')).toBe(401);
    expect(await logIn(page)).toBe(200);
    const [cookie, ...others] = await page.context().cookies();
    expect([cookie?.name, cookie?.path, others]).toEqual([expect.stringMatching(name), '/', []]);
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(await call(page, '../ojs/v1/queues')).toBe(200);
    const change = { method: 'POST' };
    expect(await call(page, '../ojs/v1/queues/mail/pause', change)).toBe(403);
    const headers = { 'x-ojs-csrf': '1' };
    expect(await call(page, '../ojs/v1/queues/mail/pause', { ...change, headers })).toBe(200);
    expect(await call(page, 'session', { method: 'DELETE', headers })).toBe(200);
    expect(await page.context().cookies()).toEqual([]);
    expect(await call(page, '../ojs/v1/queues')).toBe(401);
  });

  test('is of no use to a page at another port of the host, to which the browser sends it', async () => {
    await using server = await serveClocked('memory:', {}, { tokens }, { pages: builtFolder() });
    const foreign = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>page</title>'),
    ).listen(0, '127.0.0.1');
    onTestFinished(() => void foreign.close());
    await once(foreign, 'listening');
    await using page = await open(server);
    expect(await logIn(page)).toBe(200);
    const { port } = foreign.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/`);
    const at = `${server.url}/ojs/v1/queues/mail/pause`;
    const credentials = 'include';
    for (const init of [
      { method: 'POST', credentials },
      { method: 'POST', credentials, mode: 'no-cors' },
      { method: 'POST', credentials, headers: { 'x-ojs-csrf': '1' } },
      { method: 'DELETE', credentials },
    ])
      expect(await call(page, at, init)).toBe(0);
    expect(await call(page, `${server.url}/ojs/v1/queues`, { credentials })).toBe(0);
    expect(await server.bench.engine.storage.registry.queues()).toEqual([]);
    // The session is there all the same.
    await page.goto(`${server.url}/dashboard/`);
    expect(await call(page, '../ojs/v1/queues')).toBe(200);
  });
});
