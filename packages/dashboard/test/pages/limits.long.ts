import { beforeAll, expect, test } from 'vitest';
import { isWider, violations } from '../axe.ts';
import { describeDashboard } from '../describe-dashboard.ts';

describeDashboard('limits', {}, (dashboard) => {
  const { post } = dashboard;
  const customers = 120;
  const keys = () => dashboard.page.getByRole('region', { name: 'Limits' }).getByRole('link').allTextContents();
  const region = (name: string) => dashboard.page.getByRole('region', { name, exact: true });

  beforeAll(async () => {
    const jobs = Array.from({ length: customers }, (_, index) => ({
      type: 'mail.send',
      args: [`customer ${index}`],
      options: {
        queue: 'mail',
        rate_limit: { key: `mail:customer:${String(index).padStart(3, '0')}`, rate: { limit: 2, period: 'minute' } },
      },
    }));
    await post('jobs/batch', { jobs });
    // The key that blocks is the last one by name.
    for (let index = 0; index < 5; index++)
      await post('jobs', {
        type: 'bank.call',
        args: [index],
        options: { queue: 'bank', rate_limit: { key: 'zz:bank', concurrency: 1 } },
      });
    await post('workers/fetch', { queues: ['bank'], worker_id: 'deaf', count: 5 });
  });

  test('the key that holds back the most comes first, and a key is found over all pages', async () => {
    const { page } = dashboard;
    await dashboard.open('limits');
    await expect.poll(async () => (await keys())[0]).toBe('zz:bank');
    await page.getByRole('button', { name: 'Key' }).click();
    await expect.poll(async () => (await keys())[0]).toBe('mail:customer:000');
    await page.getByLabel('Find a key').fill('Customer:119');
    await expect.poll(keys).toEqual(['mail:customer:119']);
    expect(await violations(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => isWider(page)).toBe(false);
    const row = page.getByRole('row', { name: /mail:customer:119/ });
    expect((await row.boundingBox())?.height).toBeLessThan(70);
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(dashboard.complaints).toEqual([]);
  });

  test('a rate has no holders, and a limit of a queue counts the jobs of the queue', async () => {
    const { page } = dashboard;
    await dashboard.open('limits/mail:customer:007');
    await region('Who waits').getByText('["customer 7"]').waitFor();
    expect(await region('Who holds it').count()).toBe(0);
    await post('queues/bank/config', { concurrency: 1 }, 'PUT');
    await dashboard.open('limits/queue:bank');
    await region('Who holds it').getByText('[0]').waitFor();
    await page.getByText('1 of 1').waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('free slots spares workers that live, unless it is told otherwise', async () => {
    const { page } = dashboard;
    await dashboard.open('limits/zz:bank');
    await page.getByRole('button', { name: 'Free slots…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('None of these workers is dead, so nothing would change.').waitFor();
    await dialog.getByRole('cell', { name: 'alive' }).waitFor();
    expect(await dialog.getByRole('button', { name: 'Free slots' }).isDisabled()).toBe(true);
    expect(await violations(page)).toEqual([]);
    await dialog.getByLabel(/^Also free slots/).check();
    await dialog.getByRole('button', { name: 'Cancel 1 job' }).click();
    await page.getByText('Freed slots of zz:bank.').waitFor();
    await page.getByText('0 of 1').waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('a limit that is not there says so, and an override creates it', async () => {
    const { page } = dashboard;
    await dashboard.open('limits/new:key');
    await page.getByRole('heading', { name: 'There is no such limit' }).waitFor();
    await page.getByRole('button', { name: 'Create with an override…' }).click();
    await page.getByLabel('Running at once').fill('0');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Override', exact: true }).click();
    await page.getByText('overridden').waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByText('0 of 0').waitFor();
    expect(dashboard.complaints).toEqual([]);
  });
});
