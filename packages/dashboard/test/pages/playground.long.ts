import { startServer } from '@ojs-ts/server';
import { afterAll, expect, test } from 'vitest';
import { isWider, violations } from '../axe.ts';
import { Dashboard } from '../dashboard.ts';
import { describeDashboard } from '../describe-dashboard.ts';
import { Playground, startWorker, temporaryFile } from '../support.ts';

const fast = { initial_interval: 'PT0.05S', jitter: false };
const run = ['job.enqueued available', 'job.started active', 'job.completed completed'];
const failedRun = ['job.enqueued available', 'job.started active', 'job.failed discarded', 'job.discarded discarded'];
/** Whatever a text could become in a page. */
const hostile = '<img src=x onerror="alert(1)"></code><script>alert(2)</script>&lt;b&gt;';

describeDashboard('the playground', {}, (dashboard) => {
  const it = new Playground(dashboard);
  const worker = startWorker(dashboard.server.url);
  afterAll(() => worker[Symbol.asyncDispose]());

  test('a sent job completes, with an event for each state and its JSON verbatim', async () => {
    const requests: string[] = [];
    it.page.on('request', (request) => requests.push(request.url()));
    await it.open();
    await it.send('{"type": "hello", "args": ["world", 12345678901234567890123, 1.0e3]}');
    await it.reaches('completed');
    await it.hasEvents(run);
    expect(await it.json()).toContain('"args": [ 3 entries"world"123456789012345678901231.0e3]');
    expect(await it.json()).toContain('"hello": [ 3 entries"world"');
    expect(await it.button('Cancel job').count()).toBe(0);
    expect(await violations(it.page)).toEqual([]);
    // The address says what is followed.
    await it.page.reload();
    await it.hasEvents(run);
    await it.page.getByRole('link', { name: 'Page of the job' }).click();
    await it.page.getByRole('heading', { level: 1, name: 'Playground' }).waitFor({ state: 'hidden' });
    await it.page.goBack();
    await it.reaches('completed');
    const { origin } = new URL(dashboard.url);
    expect(requests.filter((url) => !url.startsWith(`${origin}/`))).toEqual([]);
    expect(dashboard.complaints).toEqual([]);
  });

  test('the page shows retries and the dead letter, and retries a job from there', async () => {
    await it.tab('Job');
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
    await it.hasEvents(failedRun);
    await it.button('Retry from dead letter').click();
    await it.hasEvents([...failedRun, ...failedRun]);
    await it.reaches('discarded');
    await it.again('demo.flaky');
    await it.reaches('completed');
    expect(dashboard.complaints).toEqual([]);
  });

  test('with the keyboard alone a job is written, sent, watched in its progress and cancelled', async () => {
    const { keyboard } = it.page;
    const selected = it.page.getByRole('tab', { selected: true });
    await it.tab('Job');
    await it.page.getByRole('tab', { name: 'Job' }).focus();
    await keyboard.press('ArrowLeft');
    await expect.poll(() => selected.textContent()).toBe('Cron');
    await keyboard.press('ArrowRight');
    await expect.poll(() => selected.textContent()).toBe('Job');
    await keyboard.press('Tab');
    await keyboard.press('ArrowDown');
    await expect.poll(() => it.written()).toContain('demo.flaky');
    await keyboard.press('Tab');
    await keyboard.press('Control+a');
    await keyboard.insertText('{"type": "demo.slow", "args": []}');
    await keyboard.press('Control+Enter');
    await it.page.getByText('25 % under way').waitFor();
    expect(await it.page.getByRole('progressbar').getAttribute('value')).toBe('25');
    expect(await it.written()).toBe('{"type": "demo.slow", "args": []}');
    await it.button('Cancel job').focus();
    await keyboard.press('Enter');
    await it.reaches('cancelled');
    await it.hasEvents(['job.enqueued available', 'job.started active', 'job.cancelled cancelled']);
    // Its button is gone.
    const heading = it.page.getByRole('heading', { name: 'demo.slow' });
    await expect.poll(() => heading.evaluate((element) => element.matches(':focus'))).toBe(true);
  });

  test('invalid JSON is not sent; the error leads to line and column', async () => {
    const posted: string[] = [];
    it.page.on('request', (request) => request.method() === 'POST' && posted.push(request.url()));
    await it.tab('Job');
    await it.send('{\n  "type": "hello",\n  "args": [1,]\n}');
    const alert = it.alert.filter({ hasText: 'Line 3, column 13' });
    expect(await alert.textContent()).toBe('Not sent. Line 3, column 13: A comma before ] is not allowed.');
    expect(await it.editor.getAttribute('aria-invalid')).toBe('true');
    await it.page.getByLabel('Example').focus();
    await alert.getByRole('button').click();
    await it.page.keyboard.press('Delete');
    await expect.poll(() => it.written()).toBe('{\n  "type": "hello",\n  "args": [1]\n}');
    await expect.poll(() => alert.count()).toBe(0);
    expect(posted).toEqual([]);
    await it.button('Format').click();
    await it.button('Copy as').click();
    await it.page.getByRole('menuitem', { name: 'Copy as curl' }).waitFor();
    await it.page.keyboard.press('Escape');
    await it.button('Reset').click();
    await expect.poll(() => it.written()).toContain('"world"');
    await it.send();
    await it.reaches('completed');
  });

  test('a refused job shows code, hint and the places of wrong members; a duplicate leads to the existing job', async () => {
    await it.tab('Job');
    const options = '  "options": { "retry": { "initial_interval": "1 second" } }';
    await it.send(`{\n  "type": "hello",\n  "args": [],\n${options}\n}`);
    const failure = it.alert.filter({ hasText: 'HTTP 422' });
    const place = `Line 4, column ${options.indexOf('"1 second"') + 1}`;
    await expect
      .poll(() => failure.textContent())
      .toMatch(/^validation_error HTTP 422\$\.options\.retry\.initial_interval .*must be .*Request req_/);
    await failure.getByRole('button', { name: place }).click();
    await it.page.keyboard.press('Delete');
    await expect.poll(() => it.written()).toContain('"initial_interval": 1 second');
    await it.send({ type: 'not a type', args: {} });
    await it.alert.filter({ hasText: 'HTTP 400' }).waitFor();
    expect(await it.alert.getByRole('listitem').allTextContents()).toEqual([
      expect.stringMatching(/^\$\.type type must.*Line 1, column 9$/),
      '$.args args must be an array Line 1, column 29',
    ]);
    expect(await violations(it.page)).toEqual([]);
    const job = { type: 'demo.slow', args: ['once'], options: { unique: { keys: ['type', 'args'] } } };
    await it.send(job);
    await it.reaches('active');
    expect(await it.alert.count()).toBe(0);
    const id = await it.id();
    await it.send(job);
    await it.alert.filter({ hasText: 'duplicate HTTP 409' }).waitFor();
    await it.button('Show the existing job').click();
    await it.reaches('active');
    expect(await it.id()).toBe(id);
    await it.button('Cancel job').click();
    await it.reaches('cancelled');
    expect(dashboard.complaints).toEqual([]);
  });

  test('a workflow shows its steps, callbacks, events and jobs, and can be cancelled', async () => {
    await it.tab('Workflow');
    await it.example('Group with callbacks (batch)');
    await it.send();
    await it.reaches('completed');
    const steps = it.page.getByRole('list', { name: 'Steps' }).getByRole('listitem');
    await expect
      .poll(async () => (await steps.allTextContents()).map((text) => text.replace('Show job', '')))
      .toEqual([
        'completed0 hello',
        'failed1 demo.doomed',
        expect.stringMatching(/^completedon_complete hello/),
        expect.stringMatching(/^cancelledon_success hello/),
        expect.stringMatching(/^completedon_failure hello/),
      ]);
    await expect.poll(() => it.eventTexts()).toContain('workflow.completed completed');
    expect((await it.eventTexts()).filter((kind) => kind === 'workflow.callback_fired')).toHaveLength(2);
    await it.page.emulateMedia({ colorScheme: 'dark' });
    expect(await violations(it.page)).toEqual([]);
    await it.page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => isWider(it.page)).toBe(false);
    await it.page.setViewportSize({ width: 1280, height: 800 });
    await it.button('Show job 1').click();
    await it.reaches('discarded');
    await it.hasEvents(failedRun);
    await it.send({ type: 'chain', name: 'slow', steps: [{ type: 'demo.slow', args: [] }] });
    await it.reaches('running');
    await it.page.getByRole('list', { name: 'Steps' }).getByText('active').waitFor();
    await it.button('Cancel workflow').click();
    await it.reaches('cancelled');
    await expect.poll(() => it.eventTexts()).toContain('workflow.cancelled cancelled');
    await it.again('with callbacks');
    await it.reaches('completed');
    expect(dashboard.complaints).toEqual([]);
  });

  test('a cron shows its next runs, and can be run, paused and deleted', async () => {
    await it.tab('Cron');
    await it.editor.fill(
      '{"name": "yearly", "cron": "30 9 1 7 *", "timezone": "Europe/Berlin", "type": "hello", "args": []}',
    );
    const runs = it.page.getByRole('region', { name: 'Next runs (Europe/Berlin)' });
    await expect.poll(() => runs.getByText(/^\d{4}-07-01 09:30:00/).count()).toBe(5);
    await it.send();
    await it.button('Run now: yearly').click();
    await it.hasEvents(['cron.triggered']);
    await it.button('Pause yearly').click();
    await it.state.filter({ hasText: 'paused' }).waitFor();
    await it.events.getByRole('button', { name: 'Show job' }).click();
    await it.reaches('completed');
    await it.page.goBack();
    await it.button('Delete cron…').click();
    await it.button('Delete').click();
    await it.page.getByRole('heading', { name: 'Nothing sent yet' }).waitFor();
    expect((await fetch(`${dashboard.server.url}/ojs/v1/cron/yearly`)).status).toBe(404);
    await it.editor.fill('{"name": "never", "cron": "61 * * * *", "type": "hello", "args": []}');
    await it.page
      .getByRole('region', { name: 'Next runs (UTC)' })
      .getByText(/minute/)
      .waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('the page renders data of a job as text: args, meta, names, errors, refusals', async () => {
    await it.tab('Job');
    const retry = { max_attempts: 1 };
    await it.send({ type: 'demo.doomed', args: [hostile], meta: { [hostile]: hostile }, options: { retry } });
    await it.reaches('discarded');
    await it.events
      .filter({ hasText: `TypeError: ${hostile}` })
      .first()
      .waitFor();
    expect(await it.json()).toContain(`${JSON.stringify(hostile)}: ${JSON.stringify(hostile)}`);
    await it.send({ type: hostile, args: [], options: { unique: { keys: [hostile] } } });
    await it.alert.filter({ hasText: 'HTTP 400' }).waitFor();
    await it.send(`{"type": ${hostile}}`);
    await it.alert.filter({ hasText: 'Line 1, column 10' }).waitFor();
    await it.tab('Workflow');
    const steps = [{ id: 'a', type: 'demo.doomed', args: [hostile], options: { retry } }];
    await it.send({ type: 'chain', name: hostile, steps });
    await it.reaches('failed');
    await it.page.getByRole('heading', { name: hostile }).waitFor();
    await it.again(hostile.slice(0, 20));
    await it.tab('Cron');
    await it.editor.fill(
      JSON.stringify({ name: 'x', cron: '* * * * *', timezone: '<img src=x>', type: 'hello', args: [] }),
    );
    await it.page.getByRole('region', { name: 'Next runs (<img src=x>)' }).waitFor();
    expect(await it.page.locator('img[src=x], main script').count()).toBe(0);
    expect(dashboard.complaints).toEqual([]);
  });

  test('reads of the job that fail lose nothing', async () => {
    await using own = await Dashboard.start();
    await using _ = startWorker(own.server.url);
    const playground = new Playground(own);
    let unanswered = 0;
    await own.page.route(/\/jobs\/[^/]+$/, (route) => {
      if (route.request().method() !== 'GET' || unanswered === 4) return route.fallback();
      unanswered += 1;
      return unanswered === 2 ? route.fulfill({ status: 503 }) : route.abort();
    });
    // Between two attempts the page waits for seconds.
    await own.page.clock.install();
    await playground.open();
    await playground.editor.fill('{"type": "hello", "args": []}');
    await playground.press();
    await expect
      .poll(async () => {
        await own.page.clock.runFor(1_000);
        return playground.state.allTextContents();
      })
      .toEqual(['completed']);
    await playground.hasEvents(run);
    expect(unanswered).toBe(4);
  });

  test('a job that nobody fetches is explained; a restart of the server loses no event', async () => {
    const storage = `sqlite:${temporaryFile()}`;
    await using own = await Dashboard.start({ storage });
    const playground = new Playground(own);
    await playground.open();
    await playground.send({ type: 'hello', args: [] });
    await playground.page
      .getByRole('status', { name: 'Why it waits' })
      .getByText(/worker/i)
      .first()
      .waitFor();
    await own.server.close();
    const port = Number(new URL(own.server.url).port);
    await using second = await startServer({ storage, port, log: false });
    await using _ = startWorker(second.url);
    await playground.reaches('completed');
    await playground.hasEvents(run);
  });

  test('the page asks a server without events every five seconds', async () => {
    await using own = await Dashboard.start({ events: false });
    const playground = new Playground(own);
    await own.page.clock.install();
    await playground.open();
    await playground.send({ type: 'hello', args: [] });
    await playground.page.getByText('This server keeps no events').waitFor();
    let reads = 0;
    own.page.on('request', (request) => {
      if (/\/jobs\/[^/]+$/.test(request.url())) reads += 1;
    });
    // From here on the time of the page moves by hand, however slow the machine is.
    await own.page.clock.pauseAt(new Date(await own.page.evaluate<number>('Date.now() + 1_000')));
    const before = reads;
    await own.page.clock.runFor(20_000);
    expect(reads - before).toBeLessThanOrEqual(4);
    await own.client.cancelJob(await playground.id());
    const next = async (): Promise<string | null> => {
      await own.page.clock.runFor(5_000);
      return playground.state.textContent();
    };
    await expect.poll(next).toBe('cancelled');
    expect(own.complaints).toEqual([]);
  });
});
