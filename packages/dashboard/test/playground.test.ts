import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from '@ojs-ts/sdk';
import { type RunningServer, type ServerOptions, startServer } from '@ojs-ts/server';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { chromiumArgs, findChromium } from '../../server/test/support/browser/chromium.ts';
import { Playground, startWorker, temporaryFile } from './support.ts';

const executablePath = findChromium();
const legible = readFileSync(new URL('legible.js', import.meta.url), 'utf8');
const fast = { initial_interval: 'PT0.05S', jitter: false };
/** Whatever a text could become in a page. */
const hostile = '<img src=x onerror="alert(1)"></code><script>alert(2)</script>&lt;b&gt;';

function serve(options: ServerOptions = {}): Promise<RunningServer> {
  return startServer({ storage: 'memory:', port: 0, log: false, ...options });
}

/** A real browser, a real server, and a worker of the SDK. */
describe.skipIf(executablePath === null)('the playground', () => {
  let browser: Browser;
  let server: RunningServer;
  let worker: ReturnType<typeof startWorker>;
  let page: Page;
  const open = (url = server.url) => Playground.open(page, url);

  beforeAll(async () => {
    server = await serve();
    worker = startWorker(server.url);
    browser = await chromium.launch({
      executablePath: executablePath ?? '',
      args: [...chromiumArgs, '--host-resolver-rules=MAP *.test 127.0.0.1'],
    });
    page = await browser.newPage({ locale: 'en-GB', reducedMotion: 'reduce' });
  });
  afterAll(async () => {
    await browser?.close();
    await worker?.[Symbol.asyncDispose]();
    await server?.close();
  });

  test('a sent job completes, with an event for each state and its JSON verbatim', async () => {
    await using it = await open();
    await it.send('{"type": "hello", "args": ["world", 12345678901234567890123, 1.0e3]}');
    await it.reaches('completed');
    await it.hasEvents(['job.enqueued available', 'job.started active', 'job.completed completed']);
    expect(await it.document()).toContain('"args": ["world", 12345678901234567890123, 1.0e3]');
    expect(await it.document()).toContain('"result": {\n    "hello": ["world"');
    expect(await it.button('Cancel job').count()).toBe(0);
    expect(it.complaints).toEqual([]);
    expect(it.requests.filter((request) => !request.includes(` ${server.url}/`))).toEqual([]);
  });

  test('the page shows retries and the dead letter, and retries a job from there', async () => {
    await using it = await open();
    await it.send({ type: 'demo.flaky', args: [], options: { retry: fast } });
    await it.reaches('completed');
    await expect.poll(() => it.eventTexts()).toContain('job.completed completed');
    expect(await it.eventTexts()).toContain('job.state_changed available');
    expect(await it.page.getByText('attempt 2: Error: attempt 2 fails on purpose').count()).toBe(1);
    await it.send({
      type: 'demo.doomed',
      args: [],
      options: { retry: { ...fast, max_attempts: 1, on_exhaustion: 'dead_letter' } },
    });
    await it.reaches('discarded');
    const run = ['job.enqueued available', 'job.started active', 'job.failed discarded', 'job.discarded discarded'];
    await it.hasEvents(run);
    await it.button('Retry from dead letter').click();
    await it.hasEvents([...run, ...run]);
    await it.reaches('discarded');
    expect(await it.page.locator('#failure').isVisible()).toBe(false);
    expect(it.complaints).toEqual([]);
  });

  test('progress is shown, and a running job can be cancelled', async () => {
    await using it = await open();
    await it.send({ type: 'demo.slow', args: [] });
    await it.page.getByText('25 % under way').waitFor();
    expect(await it.page.getByRole('progressbar').getAttribute('value')).toBe('25');
    await it.button('Cancel job').click();
    await it.reaches('cancelled');
    await it.hasEvents(['job.enqueued available', 'job.started active', 'job.cancelled cancelled']);
  });

  test('invalid JSON is not sent; the error links to line and column', async () => {
    await using it = await open();
    await it.send('{\n  "type": "hello",\n  "args": [1,]\n}');
    const alert = it.page.getByRole('alert').filter({ hasText: 'Line 3, column 13' });
    expect(await alert.textContent()).toBe('Line 3, column 13: A comma before ] is not allowed.');
    expect(await it.editor.getAttribute('aria-invalid')).toBe('true');
    await it.page.getByLabel('Example').focus();
    await it.page.getByRole('button', { name: 'Line 3, column 13' }).click();
    await it.page.keyboard.press('Delete');
    expect(await it.editor.inputValue()).toBe('{\n  "type": "hello",\n  "args": [1]\n}');
    expect(await alert.count()).toBe(0);
    expect(it.requests.filter((request) => request.startsWith('POST'))).toEqual([]);
    await it.button('Format').click();
    await it.page.keyboard.press('Control+Enter');
    await it.reaches('completed');
  });

  test('a refused job shows code, message and fields', async () => {
    await using it = await open();
    await it.send({ type: 'hello', args: [], options: { retry: { initial_interval: '1 second' } } });
    const failure = it.page.getByRole('alert').filter({ hasText: 'HTTP 422' });
    await failure.waitFor();
    expect(await failure.textContent()).toMatch(
      /^validation_error HTTP 422\$\.options\.retry\.initial_interval .*must be .*Hint.*Requestreq_/,
    );
    await it.send({ type: 'not a type', args: {} });
    await it.page.getByRole('alert').filter({ hasText: 'HTTP 400' }).waitFor();
    expect(await it.page.getByRole('alert').getByRole('listitem').allTextContents()).toEqual([
      expect.stringMatching(/^\$\.type type must/),
      '$.args args must be an array',
    ]);
    await it.send({ type: 'hello', args: [] });
    await it.reaches('completed');
    expect(await it.page.locator('#failure').isVisible()).toBe(false);
  });

  test('a duplicate links to the existing job', async () => {
    await using it = await open();
    const job = { type: 'demo.slow', args: ['once'], options: { unique: { keys: ['type', 'args'] } } };
    await it.send(job);
    await it.reaches('active');
    const id = await it.page.locator('#subject-id').textContent();
    await it.send(job);
    await it.page.getByRole('alert').filter({ hasText: 'duplicate HTTP 409' }).waitFor();
    await it.button('Show the existing job').click();
    await it.reaches('active');
    expect(await it.page.locator('#subject-id').textContent()).toBe(id);
    await it.button('Cancel job').click();
    await it.reaches('cancelled');
  });

  test('a workflow shows its steps, callbacks, events and jobs', async () => {
    await using it = await open();
    await it.tab('Workflow');
    await it.example('Group with callbacks (batch)');
    await it.send();
    await it.reaches('completed');
    const steps = it.page.getByRole('list', { name: 'Steps' }).getByRole('listitem');
    expect((await steps.allTextContents()).map((text) => text.replace('Show job', ''))).toEqual([
      'completed0 hello',
      'failed1 demo.doomed',
      expect.stringMatching(/^completedon_complete hello/),
      expect.stringMatching(/^cancelledon_success hello/),
      expect.stringMatching(/^completedon_failure hello/),
    ]);
    await expect.poll(() => it.eventTexts()).toContain('workflow.completed completed');
    expect((await it.eventTexts()).filter((kind) => kind === 'workflow.callback_fired')).toHaveLength(2);
    await steps.nth(1).getByRole('button', { name: 'Show job' }).click();
    await it.reaches('discarded');
    await it.hasEvents([
      'job.enqueued available',
      'job.started active',
      'job.failed discarded',
      'job.discarded discarded',
    ]);
    await it.page
      .getByRole('navigation', { name: 'Sent from this page' })
      .getByRole('button', { name: 'with callbacks' })
      .click();
    await it.reaches('completed');
    expect(it.complaints).toEqual([]);
  });

  test('a workflow can be cancelled', async () => {
    await using it = await open();
    await it.tab('Workflow');
    await it.send({ type: 'chain', name: 'slow', steps: [{ type: 'demo.slow', args: [] }] });
    await it.reaches('running');
    await it.page.getByRole('list', { name: 'Steps' }).getByText('active').waitFor();
    await it.button('Cancel workflow').click();
    await it.reaches('cancelled');
    await expect.poll(() => it.eventTexts()).toContain('workflow.cancelled cancelled');
    // What runs goes on: cancelling a workflow starts no more.
    await it.button('Show job').click();
    await it.button('Cancel job').click();
    await it.reaches('cancelled');
  });

  test('a cron shows its next runs, and can be triggered, paused and deleted', async () => {
    await using it = await open();
    await it.tab('Cron');
    const runs = it.page.locator('#preview-runs');
    await it.editor.fill(
      '{"name": "yearly", "cron": "30 9 1 7 *", "timezone": "Europe/Berlin", "type": "hello", "args": []}',
    );
    await expect.poll(() => runs.getByRole('listitem').count()).toBe(5);
    await expect.poll(() => runs.getByRole('listitem').first().textContent()).toMatch(/1 Jul \d{4}, 09:30:00/);
    expect(await it.page.getByRole('heading', { name: 'Next runs (Europe/Berlin)' }).count()).toBe(1);
    await it.send();
    await it.button('Run now').click();
    await it.events.getByRole('button', { name: 'Show job' }).waitFor();
    await it.hasEvents(['cron.triggered']);
    await it.button('Pause').click();
    await it.state.filter({ hasText: 'paused' }).waitFor();
    await it.events.getByRole('button', { name: 'Show job' }).click();
    await it.reaches('completed');
    await it.page
      .getByRole('navigation', { name: 'Sent from this page' })
      .getByRole('button', { name: 'yearly' })
      .click();
    await it.button('Delete cron').click();
    await it.page.getByText('Send a job, a workflow or a cron').waitFor();
    expect((await fetch(`${server.url}/ojs/v1/cron/yearly`)).status).toBe(404);
    await it.editor.fill('{"name": "never", "cron": "61 * * * *", "type": "hello", "args": []}');
    await expect.poll(() => runs.textContent()).toContain('minute');
    expect(it.complaints).toEqual([]);
  });

  test('the page renders data of a job as text: args, meta, names, errors, refusals', async () => {
    await using it = await open();
    const retry = { max_attempts: 1 };
    await it.send({ type: 'demo.doomed', args: [hostile], meta: { [hostile]: hostile }, options: { retry } });
    await it.reaches('discarded');
    await it.events
      .filter({ hasText: `TypeError: ${hostile}` })
      .first()
      .waitFor();
    expect(await it.document()).toContain(`"args": [\n    ${JSON.stringify(hostile)}\n  ]`);
    await it.send({ type: hostile, args: [], options: { unique: { keys: [hostile] } } });
    await it.page.getByRole('alert').filter({ hasText: 'HTTP 400' }).waitFor();
    await it.send(`{"type": ${hostile}}`);
    await it.page.getByRole('alert').filter({ hasText: 'Line 1, column 10' }).waitFor();
    await it.tab('Workflow');
    await it.send({
      type: 'chain',
      name: hostile,
      steps: [{ id: 'a', type: 'demo.doomed', args: [hostile], options: { retry } }],
    });
    await it.reaches('failed');
    expect(await it.page.locator('#subject').textContent()).toBe(hostile);
    await it.page
      .getByRole('navigation')
      .getByRole('button', { name: hostile.slice(0, 20) })
      .waitFor();
    await it.tab('Cron');
    await it.editor.fill(
      JSON.stringify({ name: 'x', cron: '* * * * *', timezone: '<img src=x>', type: 'hello', args: [] }),
    );
    await expect.poll(() => it.page.locator('#preview-runs').textContent()).toContain('<img');
    expect(await it.page.locator('img[src=x], main script, main b:not(.part-name b)').count()).toBe(0);
    expect(it.complaints).toEqual([]);
  });

  test('the page works with the keyboard alone', async () => {
    await using it = await open();
    const { keyboard } = it.page;
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await expect.poll(() => it.editor.evaluate((element) => element.matches(':focus'))).toBe(true);
    await it.page.getByRole('tab', { name: 'Job' }).focus();
    await keyboard.press('ArrowLeft');
    expect(await it.page.getByRole('tab', { selected: true }).textContent()).toBe('Cron');
    await keyboard.press('Home');
    expect(await it.page.getByRole('tab', { selected: true }).textContent()).toBe('Job');
    await keyboard.press('Tab');
    await keyboard.press('ArrowDown');
    expect(await it.editor.inputValue()).toContain('demo.flaky');
    await it.send({ type: 'demo.slow', args: [] });
    await it.button('Cancel job').focus();
    await keyboard.press('Enter');
    await it.reaches('cancelled');
    await expect
      .poll(() =>
        it.page.getByRole('heading', { name: 'What happens' }).evaluate((element) => element.matches(':focus')),
      )
      .toBe(true);
  });

  test('on a narrow screen, light and dark, nothing is cut off and every text is legible', async () => {
    await page.setViewportSize({ width: 400, height: 800 });
    await using it = await open();
    await page.evaluate(legible);
    async function expectLegible() {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await page.evaluate('illegible()'), colorScheme).toEqual([]);
      }
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(400);
    }
    await expectLegible();
    await it.send({ type: 'x y', args: [1] });
    await it.page.getByRole('alert').filter({ hasText: 'HTTP 400' }).waitFor();
    await expectLegible();
    await it.tab('Workflow');
    await it.example('Group with callbacks (batch)');
    await it.send();
    await it.reaches('completed');
    await expectLegible();
    await it.tab('Job');
    await it.send({ type: 'demo.flaky', args: ['x'.repeat(300)], options: { retry: fast } });
    await it.reaches('completed');
    await it.send('{"a": ]');
    await expectLegible();
    await page.evaluate(
      "document.body.append(Object.assign(document.createElement('p'), { textContent: 'pale', style: 'color: #555' }))",
    );
    expect(await page.evaluate('illegible()')).toEqual([expect.stringMatching(/^pale: /)]);
    await page.setViewportSize({ width: 1280, height: 720 });
  });

  test('another site can link to the page, and cannot frame it', async () => {
    const text = `<!doctype html><a href="${server.url}/playground">try it</a><iframe src="${server.url}/playground"></iframe>`;
    const foreign = createServer((_, response) => response.setHeader('content-type', 'text/html').end(text)).listen(
      0,
      '127.0.0.1',
    );
    onTestFinished(() => void foreign.close());
    await once(foreign, 'listening');
    const { port } = foreign.address() as AddressInfo;
    // Loaded with everything in it, frames too.
    await page.goto(`http://foreign.test:${port}/`);
    expect(page.frames()).toHaveLength(2);
    expect(await page.frameLocator('iframe').getByRole('button').count()).toBe(0);
    await page.getByRole('link').click();
    await page.getByRole('button', { name: 'Send' }).waitFor();
  });

  test('the page asks for a token, keeps it in the tab and sends it with every request', async () => {
    await using locked = await serve({ tokens: ['a-long-secret'] });
    await using _ = startWorker(locked.url, 'a-long-secret');
    await using it = await open(locked.url);
    const dialog = it.page.getByRole('dialog', { name: 'Token' });
    await dialog.getByText('This server needs a token.').waitFor();
    const field = dialog.getByLabel('Token of this server');
    await field.fill('not the right one');
    await dialog.getByRole('button', { name: 'Use it' }).click();
    await dialog.getByText('no spaces').waitFor();
    await field.fill('not-the-right-one');
    await field.press('Enter');
    await dialog.getByText('The server refuses this token.').waitFor();
    await field.fill('a-long-secret');
    await field.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    await it.send({ type: 'hello', args: [] });
    await it.reaches('completed');
    await it.page.reload();
    await it.send({ type: 'hello', args: ['again'] });
    await it.reaches('completed');
    expect(
      await it.page.evaluate('[Object.values(sessionStorage), Object.values(localStorage), document.cookie]'),
    ).toEqual([['a-long-secret'], [], '']);
    expect(it.requests.filter((request) => request.includes('secret'))).toEqual([]);
    expect(await it.page.content()).not.toContain('a-long-secret');
    await it.button('Token is set').click();
    await dialog.getByRole('button', { name: 'Forget it' }).click();
    await it.send({ type: 'hello', args: [] });
    await dialog.getByText('This server needs a token.').waitFor();
    expect(it.complaints).toEqual([]);
  });

  test('a restart of the server loses no event', async () => {
    const storage = `sqlite:${temporaryFile()}`;
    const first = await serve({ storage });
    await using it = await open(first.url);
    await it.send({ type: 'hello', args: [] });
    await it.reaches('available');
    await first.close();
    await using second = await serve({ storage, port: Number(new URL(first.url).port) });
    await using _ = startWorker(second.url);
    await it.reaches('completed');
    await it.hasEvents(['job.enqueued available', 'job.started active', 'job.completed completed']);
  });

  test('a restart between an event and the read of the job loses nothing', async () => {
    await using it = await open();
    let unanswered = 0;
    await it.page.route(/\/jobs\/[^/]+$/, (route) => {
      if (route.request().method() !== 'GET' || unanswered === 3) return route.continue();
      unanswered += 1;
      return unanswered === 2 ? route.fulfill({ status: 503 }) : route.abort();
    });
    await it.send({ type: 'hello', args: [] });
    await it.reaches('completed');
    await it.hasEvents(['job.enqueued available', 'job.started active', 'job.completed completed']);
    expect(unanswered).toBe(3);
    expect(await it.page.locator('#failure').isVisible()).toBe(false);
    await it.page.unrouteAll();
  });

  test('the page polls a server without events', async () => {
    await using quiet = await serve({ events: false });
    await using it = await open(quiet.url);
    await it.send({ type: 'hello', args: [] });
    await it.page.getByText('This server keeps no events').waitFor();
    const client = new Client(quiet.url);
    const id = (await it.page.locator('#subject-id').textContent()) ?? '';
    await client.cancelJob(id);
    await it.reaches('cancelled');
    await client.close();
  });

  test('the page explains a job that no worker fetches', async () => {
    await using it = await open();
    await it.send({ type: 'hello', args: [], options: { queue: 'nobody' } });
    await it.page.getByText('No worker has fetched this job yet').waitFor();
  });
});
