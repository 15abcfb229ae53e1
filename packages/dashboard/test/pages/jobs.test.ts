import { beforeAll, expect, test } from 'vitest';
import { newJob } from '../../../server/test/support/engine.ts';
import { violations } from '../axe.ts';
import { describeDashboard } from '../describe-dashboard.ts';

const hostile = '<img src=x onerror="alert(1)"><script>alert(2)</script>';

describeDashboard('the jobs page', {}, (dashboard) => {
  const { page } = dashboard;
  const query = page.getByRole('combobox', { name: 'Query' });
  const rows = page.getByRole('region', { name: 'Jobs' }).locator('tbody tr:has(input)');

  const post = async (path: string, body: unknown): Promise<unknown> => {
    const response = await fetch(`${dashboard.server.url}/ojs/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const enqueue = (count: number, queue: string, type = `${queue}.run`) =>
    post('jobs/batch', {
      jobs: Array.from({ length: count }, (_, index) => ({
        type,
        args: [index],
        meta: { tenant: index % 2 === 0 ? 'acme' : 'globex' },
        options: { queue },
      })),
    });
  const shown = (text: string) => page.getByRole('heading', { level: 1 }).locator('xpath=..').getByText(text);

  beforeAll(async () => {
    await enqueue(3, 'mail');
    await enqueue(2, 'media');
    await enqueue(5_000, 'many');
    await post('jobs', {
      type: 'trouble.make',
      args: [hostile],
      meta: { [hostile]: hostile },
      options: { queue: 'trouble', tags: ['odd'], retry: { max_attempts: 1 } },
    });
    await post('workers/fetch', { queues: ['trouble'], worker_id: 'w1', count: 1 });
    const { jobs } = (await (await fetch(`${dashboard.server.url}/ojs/v1/jobs?queue=trouble`)).json()) as {
      readonly jobs: readonly [{ readonly id: string }];
    };
    await post('workers/nack', {
      job_id: jobs[0].id,
      error: { code: 'X', type: hostile.slice(0, 60), message: hostile },
    });
  });

  test('a query is typed with the keyboard alone, stands in the address, and the back button takes it back', async () => {
    await dashboard.open('jobs?q=queue:media');
    await expect.poll(() => rows.count()).toBe(2);
    await page.getByRole('main').focus();
    await page.keyboard.press('/');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('que');
    await page.getByRole('option', { name: 'queue the name of a queue' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await query.inputValue()).toBe('queue:');
    await page.getByRole('option', { name: /^mail/ }).waitFor();
    await page.keyboard.type('ma');
    await page.keyboard.press('ArrowDown');
    await expect
      .poll(() => page.getByRole('listbox').getByRole('option', { selected: true }).textContent())
      .toMatch(/^many|^mail/);
    while (!/^mail/.test((await page.getByRole('listbox').getByRole('option', { selected: true }).textContent()) ?? ''))
      await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    expect(await query.inputValue()).toBe('queue:mail ');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await expect.poll(() => rows.count()).toBe(3);
    expect(new URL(page.url()).searchParams.get('q')).toBe('queue:mail');
    await page.goBack();
    await expect.poll(() => rows.count()).toBe(2);
    expect(await query.inputValue()).toBe('queue:media');
    await query.fill('');
    await page.getByRole('option', { name: /^queue:mail/ }).click();
    await expect.poll(() => rows.count()).toBe(3);
  });

  test('a wrong query shows its place, and the list follows when it is mended', async () => {
    await dashboard.open('jobs');
    await query.fill('state:faild');
    // A word that is being written is no mistake.
    await page.waitForFunction("document.querySelector('[data-search]').value === 'state:faild'");
    expect(await query.getAttribute('aria-invalid')).toBe('false');
    await page.keyboard.press('Enter');
    await page.getByText(/position 6: wrong value "faild".*Did you mean failed\?/).waitFor();
    expect(await query.getAttribute('aria-invalid')).toBe('true');
    // The name of a field is written once its operator follows.
    await query.fill('customer:42');
    await page.getByText(/unknown field "customer".*args\[0\]\.customer/).waitFor();
    await query.fill('state:failed');
    await expect.poll(() => rows.count()).toBe(1);
    expect(await query.getAttribute('aria-invalid')).toBe('false');
    await page.getByRole('button', { name: /^discarded/ }).click();
    await expect.poll(() => query.inputValue()).toBe('state:discarded');
    await page.getByRole('link', { name: 'Running' }).click();
    await page.getByRole('heading', { name: 'No job matches' }).waitFor();
  });

  test('jobs are counted by a field, and a value narrows the list', async () => {
    await dashboard.open('jobs?q=queue:mail');
    const chip = page.getByRole('button', { name: /^completed/ });
    expect(await chip.textContent()).toBe('completed');
    await expect.poll(() => rows.count()).toBe(3);
    await page.getByLabel('Count by').selectOption('meta.tenant');
    const counts = page.getByRole('region', { name: 'Jobs by meta.tenant' });
    await counts.getByRole('row', { name: 'acme 2' }).waitFor();
    await counts.getByRole('row', { name: 'globex 1' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await counts.getByRole('link', { name: 'globex' }).click();
    await expect.poll(() => rows.count()).toBe(1);
    expect(await query.inputValue()).toBe('meta.tenant:globex queue:mail');
    await page.getByRole('button', { name: 'Export…' }).click();
    await page.getByText("ojs jobs export --query 'meta.tenant:globex queue:mail' > jobs.ndjson").waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    await dashboard.open('jobs');
    await expect.poll(() => chip.textContent()).toMatch(/^completed\d/);
  });

  test('columns are chosen and kept, views are saved, and hostile texts are texts', async () => {
    await dashboard.open('jobs?q=queue:trouble');
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('checkbox', { name: 'Args' }).check();
    await page.getByRole('checkbox', { name: 'Tags' }).check();
    await page.getByLabel('Column of a path').fill(`meta.${JSON.stringify(hostile)}`);
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('button', { name: 'Done' }).click();
    expect(await rows.getByText(hostile).count()).toBe(2);
    expect(await rows.textContent()).toContain(JSON.stringify([hostile]));
    expect(await page.locator('main img, main script').count()).toBe(0);
    await page.getByRole('button', { name: 'Save view' }).click();
    await page.getByLabel('Name').fill('Odd jobs');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await dashboard.open('jobs');
    await page.getByRole('columnheader', { name: 'Tags' }).waitFor();
    await page.getByRole('link', { name: 'Odd jobs' }).click();
    await expect.poll(() => rows.count()).toBe(1);
    expect(await violations(page)).toEqual([]);
    await page.evaluate('localStorage.clear()');
  });

  test('a list of 5,000 jobs draws what is in sight, and any place of it can be reached', async () => {
    await dashboard.open('jobs?q=queue:many+state:available&sort=priority');
    await shown('5,000').waitFor();
    const region = page.getByRole('region', { name: 'Jobs' });
    await rows.first().waitFor();
    expect(await rows.count()).toBeLessThan(80);
    const height = await region.evaluate((element) => {
      element.scrollTop = element.scrollHeight / 2;
      return element.scrollHeight;
    });
    expect(height).toBeGreaterThan(5_000 * 24);
    const middle = () =>
      rows.first().evaluate((row) => Number(row.getAttribute('aria-rowindex')), undefined, { timeout: 1_000 });
    await expect.poll(middle).toBeGreaterThan(2_000);
    await region.evaluate((element) => {
      element.scrollTop = element.scrollHeight;
    });
    await expect.poll(() => rows.last().getAttribute('aria-rowindex')).toBe('5001');
    expect(await rows.count()).toBeLessThan(80);
    // A search has no count: it is read forward.
    await dashboard.open('jobs?q=queue:many+meta.tenant:acme');
    await page.getByText(/^Looked through [\d,]+ of about 5,000 jobs, 100 match/).waitFor();
    await region.evaluate((element) => {
      element.scrollTop = element.scrollHeight;
    });
    await expect.poll(() => region.evaluate((element) => element.scrollHeight)).toBeGreaterThan(150 * 24);
  });

  test('a search reads on by itself, shows how far it came, and waits while it is stopped or hidden', async () => {
    const { jobs } = dashboard.server.engine.storage;
    const now = Date.now();
    const old = Array.from({ length: 20_500 }, () => [newJob(now, { queue: 'old', type: 'old.run' })]);
    await jobs.insert(old, now);
    let held = Promise.withResolvers<void>();
    let asked = 0;
    const further = /nothing.*cursor=/;
    await page.route(further, async (route) => {
      asked += 1;
      await held.promise;
      // One that was stopped is gone.
      await route.continue().catch(() => {});
    });
    await dashboard.open('jobs?q=queue:old+error~nothing');
    const looked = page.getByText(/^Looked through [\d,]+ of about 20,500 jobs, 0 match\.$/);
    await looked.waitFor();
    await expect.poll(() => asked).toBe(1);
    await page.getByRole('button', { name: 'Stop' }).click();
    held.resolve();
    const first = await looked.textContent();
    held = Promise.withResolvers<void>();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await expect.poll(() => asked).toBe(2);
    const show = (state: string) =>
      page.evaluate(`Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${state}' });
        document.dispatchEvent(new Event('visibilitychange'));`);
    await show('hidden');
    held.resolve();
    await expect.poll(() => looked.textContent()).not.toBe(first);
    expect(asked).toBe(2);
    expect(await violations(page)).toEqual([]);
    await show('visible');
    await page.getByText('20,500 jobs read, 0 match.').waitFor();
    await page.unroute(further);
  });

  test('rows follow the events at the top of the list, and elsewhere the changes are counted', async () => {
    await enqueue(1, 'live');
    await dashboard.open('jobs?q=queue:live');
    await expect.poll(() => rows.count()).toBe(1);
    await enqueue(1, 'live');
    await expect.poll(() => rows.count()).toBe(2);
    await rows.first().getByRole('checkbox').check();
    await enqueue(1, 'live');
    await page.getByRole('button', { name: 'Jobs have changed: refresh' }).click();
    await expect.poll(() => rows.count()).toBe(3);
  });

  test('one job is cancelled from its row, and the chosen ones by the bar', async () => {
    await enqueue(3, 'rows');
    await dashboard.open('jobs?q=queue:rows');
    await expect.poll(() => rows.count()).toBe(3);
    await rows
      .first()
      .getByRole('button', { name: /^Actions of/ })
      .click();
    await page.getByRole('menuitem', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await rows.getByText('cancelled', { exact: true }).waitFor();
    await page.getByRole('checkbox', { name: 'Select all rows' }).check();
    await page.getByRole('region', { name: 'Chosen jobs' }).getByRole('button', { name: 'Discard' }).click();
    await page.getByText('1 of 3 chosen jobs are in other states').waitFor();
    await page.getByRole('button', { name: 'Discard 2 jobs' }).click();
    await page.getByText('2 jobs discarded.').waitFor();
    await expect.poll(() => rows.getByText('discarded', { exact: true }).count()).toBe(2);
  });

  test('all jobs that match are changed beyond the page, and the change is undone', async () => {
    await enqueue(320, 'bulk');
    await dashboard.open('jobs?q=queue:bulk');
    await shown('320').waitFor();
    await page.getByRole('button', { name: 'All that match' }).click();
    await page.getByRole('menuitem', { name: 'Cancel…' }).click();
    await page.getByText('320 jobs', { exact: true }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Cancel 320 jobs' }).click();
    await page.getByText('320 jobs cancelled.').waitFor();
    await page.getByRole('region', { name: 'Operation Cancel' }).getByText('done').waitFor();
    await page.getByRole('region', { name: 'Notifications' }).getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('heading', { level: 1, name: /^Undo/ }).waitFor();
    await page.getByText('320 of 320 jobs').waitFor();
    expect(await violations(page)).toEqual([]);
    await dashboard.open('jobs?q=queue:bulk+state:available');
    await shown('320').waitFor();
  });

  test('chosen jobs get another priority, and the operation shows it', async () => {
    await enqueue(3, 'urgent');
    await dashboard.open('jobs?q=queue:urgent');
    await expect.poll(() => rows.count()).toBe(3);
    await page.getByRole('checkbox', { name: 'Select all rows' }).check();
    await page.getByRole('region', { name: 'Chosen jobs' }).getByRole('button', { name: 'Change' }).click();
    await page.getByRole('menuitem', { name: 'Prioritize…' }).click();
    const start = page.getByRole('button', { name: 'Prioritize 3 jobs' });
    await start.waitFor();
    expect(await start.isDisabled()).toBe(true);
    await page.getByLabel('Priority').fill('700');
    await start.click();
    await page.getByText(/changes\.priority.*100/).waitFor();
    await page.getByLabel('Priority').fill('70');
    expect(await violations(page)).toEqual([]);
    await start.click();
    await page.getByText('3 jobs given another priority.').waitFor();
    await page.getByRole('region', { name: 'Operation Prioritize' }).getByRole('link', { name: 'Details' }).click();
    await page.getByText('{"priority":70}').waitFor();
  });

  test('an operation at a rate is stopped, resumed and followed on its pages', async () => {
    await enqueue(300, 'slow');
    await dashboard.open('jobs?q=queue:slow');
    await page.getByRole('button', { name: 'All that match' }).click();
    await page.getByRole('menuitem', { name: 'Discard…' }).click();
    await page.getByLabel('Jobs a second at most').fill('2');
    await page.getByRole('button', { name: 'Discard 300 jobs' }).click();
    const strip = page.getByRole('region', { name: 'Operation Discard' });
    await strip.getByText(/ left$/).waitFor();
    await strip.getByRole('button', { name: 'Stop' }).click();
    await strip.getByText('stopped').waitFor();
    await strip.getByRole('link', { name: 'Details' }).click();
    await page.getByText('at most 2 jobs a second').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    await dashboard.open('bulk');
    await page
      .getByRole('row', { name: /^Discard stopped queue:slow/ })
      .getByRole('button', { name: 'Undo' })
      .click();
    await page.getByRole('button', { name: 'Start the undo' }).click();
    await page.getByRole('heading', { level: 1, name: /^Undo/ }).waitFor();
    await dashboard.open('bulk?state=stopped');
    expect(await violations(page)).toEqual([]);
    expect(dashboard.complaints).toEqual([]);
  });
});
