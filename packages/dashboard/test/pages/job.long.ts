import { expect, test } from 'vitest';
import { violations } from '../axe.ts';
import { Dashboard } from '../dashboard.ts';
import { describeDashboard } from '../describe-dashboard.ts';

describeDashboard('the page of a job', {}, (dashboard) => {
  async function ask(method: string, path: string, body?: string): Promise<string> {
    const response = await fetch(`${dashboard.server.url}/ojs/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  }

  async function enqueue(queue: string, options = '', args = '[1]', more = ''): Promise<string> {
    const body = `{"type":"test.${queue}","args":${args}${more},"options":{"queue":"${queue}"${options}}}`;
    return JSON.parse(await ask('POST', 'jobs', body)).job.id;
  }

  async function start(queue: string): Promise<void> {
    await ask('POST', 'workers/fetch', JSON.stringify({ queues: [queue], worker_id: `${queue}-1`, count: 1 }));
  }

  const state = (name: string) => dashboard.page.locator('.page-head .badge', { hasText: name });
  const card = (name: string) => dashboard.page.getByRole('region', { name, exact: true });
  const button = (name: string) => dashboard.page.getByRole('button', { name, exact: true });

  test('a job without a checkpoint asks for none, and its arguments stand above its attempts', async () => {
    const { page } = dashboard;
    const missing: string[] = [];
    page.on('response', (response) => {
      if (response.status() === 404) missing.push(response.url());
    });
    const id = await enqueue('plain', ',"rate_limit":{"key":"mail:customer:4","concurrency":3}');
    await start('plain');
    await dashboard.open(`jobs/${id}`);
    await card('Attempts').getByText('Attempt 1').waitFor();
    const top = async (name: string): Promise<number> => (await card(name).boundingBox())?.y ?? 0;
    expect(await top('Arguments')).toBeLessThan(await top('Timeline'));
    await card('Policies').getByText('3 at once').waitFor();
    await dashboard.settle();
    expect(missing).toEqual([]);
    await ask('POST', `jobs/${id}/checkpoint`, '{"worker_id":"plain-1","state":{"row":7}}');
    await card('Checkpoint').getByText('7', { exact: true }).waitFor();
    expect(missing).toEqual([]);
  });

  test('a waiting job says why, with what helps, and its numbers stay as they were written', async () => {
    const { page } = dashboard;
    await ask('POST', 'queues/paused/pause', '{}');
    const meta = `,"meta":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}`;
    const id = await enqueue(
      'paused',
      '',
      '[12345678901234567890,{"ratio":1.0e3,"note":"<img src=x onerror=alert(1)>"}]',
      meta,
    );
    await dashboard.open(`jobs/${id}`);
    const why = card('Why is it not running?');
    await why.getByText('Queue paused is paused since').waitFor();
    await why.getByText('No live worker is known to read queue paused.').waitFor();
    const args = card('Arguments');
    await args.getByText('12345678901234567890', { exact: true }).waitFor();
    await args.getByText('1.0e3', { exact: true }).waitFor();
    await args.getByText('"<img src=x onerror=alert(1)>"', { exact: true }).waitFor();
    await page.evaluate(`localStorage.clear()`);
    await button('Set link').click();
    await page.getByLabel('Address of a trace').fill('javascript:alert("{trace_id}")');
    await button('Save').click();
    await page.getByText('Write an address that begins with').waitFor();
    await page.getByLabel('Address of a trace').fill('https://tracing.example.com/{trace_id}');
    await button('Save').click();
    const trace = page.getByRole('link', { name: '4bf92f3577b34da6a3ce929d0e0e4736' });
    expect(await trace.getAttribute('href')).toBe('https://tracing.example.com/4bf92f3577b34da6a3ce929d0e0e4736');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.setViewportSize({ width: 1280, height: 800 });
    await button('Resume queue paused').click();
    await why.getByText('Queue paused is paused since').waitFor({ state: 'detached' });
    await why.getByText('No live worker is known to read queue paused.').waitFor();
  });

  test('attempts show error, stack and details; an end arrives while one looks, and what was opened stays', async () => {
    const { page } = dashboard;
    const id = await enqueue('fails', ',"retry":{"max_attempts":3,"initial_interval":"PT1H"}');
    await start('fails');
    const error = `{"type":"CardDeclined","code":"card_declined","message":"Card 4242 was declined","details":{"amount":10.50},"backtrace":["at charge (src/charge.ts:7:11)","at run (node_modules/x/index.js:1:1)","at go (node:internal/y:2:2)"]}`;
    await ask('POST', 'workers/nack', `{"job_id":"${id}","worker_id":"fails-1","error":${error}}`);
    await dashboard.open(`jobs/${id}`);
    const attempts = card('Attempts');
    await attempts.getByText('CardDeclined: Card 4242 was declined').waitFor();
    await attempts.getByText('at charge (src/charge.ts:7:11)').waitFor();
    await attempts.getByText('2 frames of libraries').click();
    await attempts.getByText('at go (node:internal/y:2:2)').waitFor();
    await attempts.getByText('"amount"').waitFor();
    await card('Timeline')
      .getByRole('button', { name: /^Attempt 1 failed/ })
      .waitFor();
    await card('Why is it not running?').getByText('its backoff is not over').waitFor();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await violations(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
    await button('Retry now').first().click();
    await state('available').waitFor();
    // The page shows the state before the server has answered.
    await page.getByText('The job is available again.').waitFor();
    await start('fails');
    await ask('PUT', `jobs/${id}/progress`, '{"progress":0.25,"message":"a quarter"}');
    await ask('POST', `jobs/${id}/checkpoint`, '{"state":{"row":1.0e2}}');
    await page.getByRole('progressbar', { name: 'Progress' }).and(page.locator('[aria-valuenow="25"]')).waitFor();
    await card('Checkpoint').getByText('1.0e2').waitFor();
    await ask('POST', 'workers/ack', `{"job_id":"${id}","worker_id":"fails-1","result":{"total":1.50}}`);
    await state('completed').waitFor();
    await card('Result').getByText('1.50', { exact: true }).waitFor();
    await attempts.getByText('at go (node:internal/y:2:2)').waitFor();
  });

  test('an edit and a rerun send JSON as it was written, and both jobs name each other', async () => {
    const { page } = dashboard;
    const id = await enqueue('changes', ',"delay_until":"+PT1H"');
    await dashboard.open(`jobs/${id}`);
    await button('Edit…').click();
    const editor = page.getByRole('textbox', { name: 'Arguments' });
    await editor.fill('[1,');
    await page.getByText('Line 1, column 4: The text ends where a value was expected.').waitFor();
    await editor.fill('[98765432109876543210, 2.50]');
    await page.getByLabel('Priority').fill('7');
    await editor.focus();
    await page.keyboard.press('Control+End');
    await page.keyboard.press('Tab');
    expect(await editor.evaluate((element) => element.matches(':focus'))).toBe(true);
    await page.keyboard.press('Control+z');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    expect(await editor.evaluate((element) => element.matches(':focus'))).toBe(false);
    expect(await violations(page)).toEqual([]);
    await button('Save changes').click();
    await card('Arguments').getByText('98765432109876543210').waitFor();
    const text = await ask('GET', `jobs/${id}`);
    expect(text).toContain('"args":[98765432109876543210, 2.50]');
    expect(text).toContain('"priority":7');
    await button('Cancel job…').click();
    await button('Cancel the job').click();
    await state('cancelled').waitFor();
    await button('Run again…').click();
    await editor.fill('[1.0]');
    await button('Run again').click();
    await page.getByRole('link', { name: id }).click();
    const again = card('Related').getByRole('link');
    await state('cancelled').waitFor();
    await again.click();
    await state('available').waitFor();
    expect(await ask('GET', `jobs/${page.url().split('/').at(-1)}`)).toContain('"args":[1.0]');
  });

  test('a running job is cancelled on the page', async () => {
    const id = await enqueue('runs');
    await start('runs');
    await dashboard.open(`jobs/${id}`);
    await card('Is it running?').getByText('runs-1').first().waitFor();
    await button('Cancel job…').click();
    await button('Cancel the job').click();
    await state('cancelled').waitFor();
    await card('Timeline')
      .getByRole('button', { name: /^Attempt 1 cancelled/ })
      .waitFor();
  });

  test('a large document opens at once, and a job that does not exist is said to be none', async () => {
    const { page } = dashboard;
    const rows = Array.from({ length: 12_000 }, (_, index) => `{"row":${index},"text":"${'x'.repeat(60)}"}`);
    const id = await enqueue('large', '', `[[${rows.join(',')}]]`);
    await dashboard.open(`jobs/${id}`);
    await card('Arguments').getByText('12,000 entries').click();
    await card('Arguments').getByText('Show more of 12,000').waitFor();
    await dashboard.open('jobs/01980d2c-7b1e-7c44-9d0a-5f0c3c1b7a10');
    await page.getByRole('heading', { name: 'There is no such job' }).waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('a caller without the right sees that arguments are hidden, and no actions', async () => {
    await using viewer = await Dashboard.start(
      { tokens: ['secret-of-admin', 'viewer:only-looks'] },
      { extraHTTPHeaders: { authorization: 'Bearer only-looks' } },
    );
    const rights = ['inspect', 'read', 'list'];
    await viewer.page.route('**/dashboard/session', (route) =>
      route.fulfill({
        json: {
          required: true,
          authenticated: true,
          principal: 'viewer',
          roles: ['viewer'],
          rights,
          queues: ['*'],
          sees_arguments: false,
          version: '0.1.0',
          docs_url: '/docs/',
          mode: 'server',
        },
      }),
    );
    const response = await fetch(`${viewer.server.url}/ojs/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer secret-of-admin' },
      body: '{"type":"test.secret","args":["4242"]}',
    });
    await viewer.open(`jobs/${JSON.parse(await response.text()).job.id}`);
    const { page } = viewer;
    await page.getByRole('region', { name: 'Arguments' }).getByText('Hidden: your token does not have').waitFor();
    expect(await page.getByRole('button', { name: 'Cancel job…' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Edit…' }).count()).toBe(0);
    expect(viewer.complaints).toEqual([]);
  });
});
