import { beforeAll, expect, test } from 'vitest';
import { violations } from '../axe.ts';
import { describeDashboard } from '../describe-dashboard.ts';
import { jobsPage } from './jobs-page.ts';

const hostile = '<img src=x onerror="alert(1)"><script>alert(2)</script>';

describeDashboard('the jobs page', {}, (dashboard) => {
  const { page, post } = dashboard;
  const { query, rows, enqueue } = jobsPage(dashboard);

  beforeAll(async () => {
    await enqueue(3, 'mail');
    await enqueue(2, 'media');
    await enqueue(2, 'many');
    await post('jobs', {
      type: 'trouble.make',
      args: [hostile],
      meta: { [hostile]: hostile },
      options: { queue: 'trouble', tags: ['odd'], retry: { max_attempts: 1 } },
    });
    const { jobs } = await post('workers/fetch', { queues: ['trouble'], worker_id: 'w1', count: 1 });
    const error = { code: 'X', type: hostile.slice(0, 60), message: hostile };
    await post('workers/nack', { job_id: jobs[0].id, error });
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
    expect(dashboard.complaints).toEqual([]);
  });
});
