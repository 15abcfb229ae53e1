import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/index.ts';
import { chromiumArgs, findChromium } from '../support/browser/chromium.ts';
import { type Canaries, plantCanaries, snapshot } from '../support/canaries.ts';
import { newId } from '../support/ids.ts';
import { call } from '../support/request.ts';
import { serve } from '../support/server.ts';

const executablePath = findChromium();
const pageScript = readFileSync(new URL('../support/browser/page.js', import.meta.url), 'utf8');

/** The acceptance line: a real page of another origin enqueues nothing, deletes nothing and reads nothing. */
describe.skipIf(executablePath === null)('a web page of another origin', () => {
  let browser: Browser;
  let pages: Server;
  let pagesPort: number;
  let server: RunningServer;
  let port: string;
  let canaries: Canaries;
  let before: unknown;

  beforeAll(async () => {
    pages = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>page</title>'),
    );
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
    const address = pages.address();
    pagesPort = typeof address === 'object' && address !== null ? address.port : 0;
    server = await serve({ allowedOrigins: [`http://friend.test:${pagesPort}`], engine: { deadAfterMs: 86_400_000 } });
    port = new URL(server.url).port;
    canaries = await plantCanaries(server.url);
    browser = await chromium.launch({
      executablePath: executablePath ?? '',
      args: [...chromiumArgs, '--host-resolver-rules=MAP *.test 127.0.0.1'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await new Promise((resolve) => pages.close(resolve));
  });
  beforeEach(async () => {
    before = await snapshot(server);
  });

  async function open(url: string): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(url);
    return page;
  }

  /** Everything that a page can try; answers what each attempt got to see. */
  async function attack(page: Page, base: string): Promise<readonly string[]> {
    const { active, available, completed, cron, deadLetter, limit, pending, queue, schema, workflow } = canaries;
    const job = JSON.stringify({ id: newId(), type: 'evil.job', args: [] });
    const attempts: readonly (readonly [
      string,
      string,
      string | null,
      Readonly<Record<string, string>>,
      'cors' | 'no-cors',
    ])[] = [
      ['POST', '/jobs', job, { 'content-type': 'text/plain' }, 'cors'],
      ['POST', '/jobs', job, { 'content-type': 'text/plain' }, 'no-cors'],
      ['POST', '/jobs', job, { 'content-type': 'application/json' }, 'cors'],
      ['POST', '/workers/fetch', JSON.stringify({ queues: [queue] }), { 'content-type': 'text/plain' }, 'no-cors'],
      ['POST', `/queues/${queue}/pause`, null, {}, 'no-cors'],
      ['POST', `/dead-letter/${deadLetter}/retry`, null, {}, 'no-cors'],
      ['POST', `/jobs/${pending}/activate`, null, {}, 'no-cors'],
      [
        'POST',
        '/jobs/bulk/delete',
        JSON.stringify({ job_ids: [completed] }),
        { 'content-type': 'text/plain' },
        'no-cors',
      ],
      ['POST', '/dead-letter/purge', JSON.stringify({ confirm: true }), { 'content-type': 'text/plain' }, 'no-cors'],
      ['POST', '/dead-letter/purge?confirm=true', null, {}, 'no-cors'],
      [
        'POST',
        '/workflows',
        JSON.stringify({ type: 'chain', steps: [JSON.parse(job)] }),
        { 'content-type': 'text/plain' },
        'no-cors',
      ],
      ['POST', `/workflows/${workflow}/cancel`, null, {}, 'no-cors'],
      ['POST', `/cron/${cron}/trigger`, null, {}, 'no-cors'],
      ['POST', `/cron/${cron}/pause`, null, {}, 'no-cors'],
      ['POST', `/jobs/${active}/ack`, null, {}, 'no-cors'],
      [
        'POST',
        '/workers/progress',
        JSON.stringify({ job_id: active, percentage: 99 }),
        { 'content-type': 'text/plain' },
        'no-cors',
      ],
      ['PUT', `/rate-limits/${limit}`, '{"concurrency":1}', { 'content-type': 'application/json' }, 'cors'],
      ['PUT', `/queues/${queue}/config`, '{"concurrency":1}', { 'content-type': 'application/json' }, 'cors'],
      ['DELETE', `/schemas/${schema}/1`, null, {}, 'cors'],
      ['DELETE', '/dead-letter?confirm=true', null, {}, 'cors'],
      ['DELETE', `/jobs/${available}`, null, {}, 'cors'],
      ['DELETE', `/dead-letter/${deadLetter}`, null, {}, 'cors'],
      ['GET', `/jobs/${available}`, null, {}, 'cors'],
      ['GET', `/jobs/${available}`, null, {}, 'no-cors'],
      ['GET', '/events', null, {}, 'cors'],
      ['GET', '/queues', null, {}, 'cors'],
    ];
    return (await page.evaluate(
      `${pageScript}; attack(${JSON.stringify({ base, attempts, job })})`,
    )) as readonly string[];
  }

  function expectBlind(seen: readonly string[]): void {
    for (const text of seen) {
      expect(text).not.toContain('canary');
      expect(text).not.toContain('evil.job');
      expect(text).toMatch(/^0 $|^403 |TypeError|SecurityError/);
    }
  }

  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });

  test.each(['evil.test', '127.0.0.1', 'localhost'])('served by %s from another port', async (host) => {
    const page = await open(`http://${host}:${pagesPort}/`);
    for (const target of ['127.0.0.1', 'localhost']) expectBlind(await attack(page, `http://${target}:${port}`));
    expect(await snapshot(server)).toEqual(before);
  });

  test('under a name that was rebound to this server', async () => {
    // Any answer gives the page its origin; here it is the refusal itself.
    const page = await open(`http://evil.test:${port}/ojs/manifest`);
    expect(await page.textContent('body')).toContain('permission_denied');
    const seen = await attack(page, `http://evil.test:${port}`);
    expectBlind(seen);
    expect(seen.filter((text) => text.startsWith('403 ')).length).toBeGreaterThan(5);
    expect(await snapshot(server)).toEqual(before);
  });

  test('sandboxed, with the origin null', async () => {
    const page = await open(`http://evil.test:${pagesPort}/`);
    const status = await page.evaluate(`${pageScript}; sandboxed(${JSON.stringify(`${server.url}/ojs/v1/jobs`)})`);
    expect(status).toMatch(/TypeError/);
    expect(await snapshot(server)).toEqual(before);
  });

  test('a page of an allowed origin enqueues, reads and cancels: the other tests can fail', async () => {
    const page = await open(`http://friend.test:${pagesPort}/`);
    const id = newId();
    const state = await page.evaluate(
      async ({ url, id }) => {
        const headers = { 'content-type': 'application/json', 'idempotency-key': id };
        await fetch(`${url}/jobs`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ id, type: 'friend.job', args: [] }),
        });
        await fetch(`${url}/jobs/${id}`, { method: 'DELETE' });
        return (await fetch(`${url}/jobs/${id}`)).json();
      },
      { url: `${server.url}/ojs/v1`, id },
    );
    expect(state).toMatchObject({ job: { id, state: 'cancelled' } });
    expect(await call(server.url, `/jobs/${id}`)).toMatchObject({ status: 200 });
  });

  test('a page of an allowed origin follows events in every way', async () => {
    const page = await open(`http://friend.test:${pagesPort}/`);
    const followed = (await page.evaluate(`${pageScript}; follow(${JSON.stringify(server.url)})`)) as Readonly<
      Record<string, boolean>
    >;
    expect(Object.keys(followed)).toHaveLength(4);
    expect(Object.values(followed)).not.toContain(false);
  });
});
