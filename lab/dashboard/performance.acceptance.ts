import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, Dashboard, launch } from '../../packages/dashboard/test/dashboard.ts';
import { temporaryFile } from '../../packages/dashboard/test/support.ts';
import { countBytes, firstValueMs, growth, heapOf, observe, summariesOf, type Tasks, tasksOf } from './renderer.ts';

/** How long the page that must not grow is watched; the published figure is of 30. */
const minutes = Number(process.env.TEST_MINUTES ?? 3);
/** Each page under load, in milliseconds. */
const watchedMs = Number(process.env.TEST_SECONDS ?? 10) * 1_000;
/** Three events each: enqueued, started, completed. */
const jobsEachSecond = 1_750;
const kb = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A producer and a worker in a process of their own. */
async function startLoad(url: string): Promise<AsyncDisposable> {
  const file = fileURLToPath(new URL('load.ts', import.meta.url));
  const child = spawn(process.execPath, [file, url, `${jobsEachSecond}`], { stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = once(child, 'exit');
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

async function openStreams(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^ojs_streams_open(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

async function setVisible(dashboard: Dashboard, state: 'visible' | 'hidden'): Promise<void> {
  await dashboard.page.evaluate(`
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${state}' });
    document.dispatchEvent(new Event('visibilitychange'));
  `);
}

const live = (dashboard: Dashboard) => dashboard.page.getByText('Live', { exact: true }).waitFor();

describe.skipIf(chromiumPath === null)('the dashboard by the protocol of the browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  test('the first page is small, and the first view comes within a second', async () => {
    const views: { readonly bytes: number; readonly ms: number }[] = [];
    await using warm = await Dashboard.start({ storage: `sqlite:${temporaryFile()}` });
    await warm.client.enqueue('hello', []);
    for (let round = 0; round < 3; round++) {
      const context = await browser.newContext();
      const page = await context.newPage();
      await observe(page);
      const bytes = countBytes(page);
      await page.goto(warm.url);
      await page.locator('.tile .value').first().waitFor();
      await page.getByRole('img', { name: /^Jobs each minute/ }).waitFor();
      await page.waitForLoadState('load');
      views.push({ bytes: await bytes(), ms: (await firstValueMs(page)) ?? Number.NaN });
      await context.close();
    }
    // The quickest, because others may use the machine.
    const [best] = views.toSorted((one, other) => one.ms - other.ms);
    console.log(`first page ${views.map(({ bytes, ms }) => `${kb(bytes)} in ${ms.toFixed(0)} ms`).join(', ')}`);
    expect(Math.max(...views.map(({ bytes }) => bytes))).toBeLessThan(350_000);
    expect(best?.ms).toBeLessThan(1_000);
  });

  test('no page is held up, nor grows, while the store takes 5,000 events a second', async () => {
    await using dashboard = await Dashboard.start({ storage: `sqlite:${temporaryFile()}` });
    const { page } = dashboard;
    await observe(page);
    await dashboard.open();
    await using _ = await startLoad(dashboard.server.url);
    await page
      .locator('.tile')
      .filter({ hasText: /^Completed, last hour[1-9]/ })
      .waitFor();
    const found: (readonly [string, Tasks])[] = [];
    for (const place of ['', 'jobs', 'events', 'queues/load']) {
      await dashboard.open(place);
      await dashboard.settle();
      await live(dashboard);
      // What belongs to the opening of the page is over.
      await wait(1_000);
      const from = (await summariesOf(page)).length;
      const tasks = await tasksOf(browser, page, () => wait(watchedMs));
      const summaries = (await summariesOf(page)).slice(from);
      const seconds = ((summaries.at(-1)?.at ?? 0) - (summaries[0]?.at ?? 0)) / 1_000;
      const events = summaries.slice(1).reduce((sum, { count }) => sum + count, 0) / seconds;
      const rate = (summaries.length - 1) / seconds;
      const name = place === '' ? 'overview' : place;
      console.log(
        `${name}: ${events.toFixed(0)} events/s in ${rate.toFixed(1)} messages/s; ` +
          `longest task ${tasks.longestMs.toFixed(1)} ms, ${tasks.longestProcessorMs.toFixed(1)} ms of processor time; ` +
          `long tasks ${JSON.stringify(tasks.observed)}`,
      );
      found.push([name, tasks]);
      expect(rate).toBeLessThanOrEqual(10);
    }
    for (const [name, { longestProcessorMs }] of found) expect(longestProcessorMs, name).toBeLessThan(50);

    await dashboard.open();
    await live(dashboard);
    const session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.enable');
    // The list that this test keeps of the summaries would grow.
    const samples: { readonly at: number; readonly value: number }[] = [];
    const warmMs = Math.min(60_000, (minutes * 60_000) / 3);
    for (const start = performance.now(); performance.now() - start < minutes * 60_000; ) {
      await wait(5_000);
      await page.evaluate('seen.summaries.length = 0');
      const value = await heapOf(session);
      const at = performance.now() - start;
      if (at > warmMs) samples.push({ at, value });
    }
    const slope = growth(samples);
    const values = samples.map(({ value }) => value);
    console.log(
      `heap over ${minutes} minutes: ${kb(Math.min(...values))} to ${kb(Math.max(...values))}, ${kb(slope)} a minute`,
    );
    expect(slope * Math.max(minutes, 1)).toBeLessThan(2_000_000);
    expect(dashboard.complaints).toEqual([]);
  });

  test('a browser has one connection, however many tabs, and an idle page asks no more often than every 5 s', async () => {
    await using dashboard = await Dashboard.start({ storage: `sqlite:${temporaryFile()}` });
    const { page, server } = dashboard;
    await dashboard.open();
    for (const place of ['jobs', 'events']) {
      const tab = await page.context().newPage();
      await tab.goto(dashboard.url + place);
      await tab.getByText('Live', { exact: true }).waitFor();
    }
    await live(dashboard);
    expect(await openStreams(server.url)).toBe(1);
    await dashboard.settle();
    const asked = new Map<string, number[]>();
    for (const tab of page.context().pages())
      tab.on('request', (request) => {
        const { pathname } = new URL(request.url());
        const key = `${page.context().pages().indexOf(tab)} ${request.method()} ${pathname}`;
        asked.set(key, [...(asked.get(key) ?? []), performance.now()]);
      });
    await wait(21_000);
    const pauses = [...asked].flatMap(([key, times]) =>
      times.slice(1).map((at, index) => ({ key, ms: at - (times[index] ?? 0) })),
    );
    console.log(
      `an idle overview, jobs and events in 21 s: ${JSON.stringify([...asked].map(([k, t]) => [k, t.length]))}`,
    );
    expect(pauses.filter(({ ms }) => ms < 4_900)).toEqual([]);
    expect(asked.size).toBeGreaterThan(0);
  });

  test('a hidden page rests, and goes on without loss', async () => {
    await using dashboard = await Dashboard.start({ storage: `sqlite:${temporaryFile()}` });
    const { page, server, client } = dashboard;
    await observe(page);
    await dashboard.open();
    await live(dashboard);
    await client.enqueue('before', [], { queue: 'rest' });
    const enqueued = async (): Promise<number> =>
      (await summariesOf(page)).reduce((sum, { types }) => sum + (types['job.enqueued'] ?? 0), 0);
    await expect.poll(enqueued).toBe(1);
    await setVisible(dashboard, 'hidden');
    await expect.poll(() => openStreams(server.url)).toBe(0);
    for (let batch = 0; batch < 10; batch++)
      await client.enqueueBatch(Array.from({ length: 50 }, () => ({ type: 'hidden', args: [], queue: 'rest' })));
    expect(await enqueued()).toBe(1);
    await setVisible(dashboard, 'visible');
    await expect.poll(enqueued).toBe(501);
    await page
      .locator('.tile')
      .filter({ hasText: /^Waiting501/ })
      .waitFor();
    expect(await page.getByText('Some events were missed').count()).toBe(0);
    expect((await summariesOf(page)).some(({ gap }) => gap)).toBe(false);
  });

  test('a page that comes back after the log has lost events says so', async () => {
    await using dashboard = await Dashboard.start({
      storage: `sqlite:${temporaryFile()}`,
      engine: { retention: { keepEvents: 10 } },
    });
    const { page, server, client } = dashboard;
    await dashboard.open();
    await live(dashboard);
    await client.enqueue('before', [], { queue: 'lost' });
    await page
      .locator('.tile')
      .filter({ hasText: /^Waiting1/ })
      .waitFor();
    await setVisible(dashboard, 'hidden');
    await expect.poll(() => openStreams(server.url)).toBe(0);
    // One after the other: the events of one batch leave the log together.
    for (let index = 0; index < 90; index++) await client.enqueue('hidden', [], { queue: 'lost' });
    const kept = async (): Promise<number> => {
      const { events } = JSON.parse(await (await fetch(`${server.url}/ojs/v1/events?limit=100`)).text());
      return events.length;
    };
    await expect.poll(kept, { timeout: 120_000, interval: 500 }).toBeLessThan(60);
    await setVisible(dashboard, 'visible');
    await page.getByText('Some events were missed').waitFor();
    await page
      .locator('.tile')
      .filter({ hasText: /^Waiting91/ })
      .waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await expect.poll(() => page.getByText('Some events were missed').count()).toBe(0);
  });
});
