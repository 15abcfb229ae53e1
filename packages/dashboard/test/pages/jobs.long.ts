import { expect, test } from 'vitest';
import { newJob } from '../../../server/test/support/engine.ts';
import { violations } from '../axe.ts';
import { describeDashboard } from '../describe-dashboard.ts';
import { jobsPage } from './jobs-page.ts';

describeDashboard('the jobs page with many jobs', {}, (dashboard) => {
  const { page } = dashboard;
  const { rows, enqueue, shown } = jobsPage(dashboard);

  test('a list of 5,000 jobs draws what is in sight, and any place of it can be reached', async () => {
    await enqueue(5_000, 'many');
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
    await page.getByLabel('At most, jobs per second').fill('2');
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
