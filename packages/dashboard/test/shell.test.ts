import { expect, test } from 'vitest';
import { describeDashboard } from './describe-dashboard.ts';

describeDashboard('the shell', {}, (dashboard) => {
  test('every page opens by its address and by its keys, and the browser complains of nothing', async () => {
    const { page } = dashboard;
    await dashboard.open('jobs/none?x=1');
    await page.keyboard.press('g');
    await page.keyboard.press('q');
    await page.getByRole('heading', { level: 1, name: 'Queues' }).waitFor();
    await expect.poll(() => page.title()).toBe('Queues · ojs');
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Job' }).waitFor();
    await page.keyboard.press('Control+k');
    // Typed and not filled: the field must have the focus.
    await page.getByPlaceholder('Go to a page').waitFor();
    await page.keyboard.type('crons');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Crons' }).waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('the palette finds queues and job types', async () => {
    const { page, client } = dashboard;
    await client.enqueue('payment.charge', [1], { queue: 'payments' });
    await dashboard.open();
    const find = async (text: string): Promise<void> => {
      await page.keyboard.press('Control+k');
      await page.getByPlaceholder('Go to a page').waitFor();
      await page.keyboard.type(text);
    };
    await find('pay');
    await page.getByRole('option', { name: 'payments queue' }).click();
    await page.getByRole('heading', { level: 1, name: 'payments' }).waitFor();
    await find('charge');
    await page.getByRole('option', { name: 'payment.charge jobs of this type' }).click();
    await page.waitForURL(/\/jobs\?q=type%3Apayment\.charge$/);
    expect(dashboard.complaints).toEqual([]);
  });
});
