import { expect, test } from 'vitest';
import { isWider, violations } from '../axe.ts';
import { describeDashboard } from '../describe-dashboard.ts';

describeDashboard('dead letter', { seeded: true }, (dashboard) => {
  test('the dead jobs of one error are retried at a rate, after their count', async () => {
    const { page } = dashboard;
    const rows = page.getByRole('region', { name: 'Dead jobs' }).getByRole('row');
    await dashboard.open('dead-letter');
    await expect.poll(() => rows.count()).toBe(7);
    expect(await violations(page)).toEqual([]);
    // What most readers want is one error, not all of them.
    expect(await page.getByRole('button', { name: 'Retry all…' }).getAttribute('data-kind')).not.toBe('primary');
    const group = page.getByRole('row').filter({ hasText: 'SMTP <n>: mailbox <email> unavailable' });
    await group.getByRole('button', { name: 'Only these' }).click();
    await expect.poll(() => rows.count()).toBe(4);
    await page.getByRole('button', { name: 'Retry these…' }).click();
    await page.getByRole('dialog').getByText('3 jobs', { exact: true }).waitFor();
    await page.getByRole('dialog').getByText('Error: SMTP <n>: mailbox <email> unavailable').waitFor();
    await page.getByRole('dialog').getByText('["bounce10@example.com"').waitFor();
    await page.getByLabel('At most, jobs per second').fill('50');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Retry 3 jobs' }).click();
    // They fail again and come back: what counts is that each has run once more.
    await page.getByText('3 jobs retried').first().waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.setViewportSize({ width: 390, height: 844 });
    const only = await group.getByRole('button', { name: 'Only these' }).boundingBox();
    expect((only?.x ?? 0) + (only?.width ?? 0)).toBeLessThan(390);
    await expect.poll(() => isWider(page)).toBe(false);
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(dashboard.complaints).toEqual([]);
  });

  test('a queue is chosen by the address, and its dead jobs are deleted', async () => {
    const { page } = dashboard;
    await dashboard.open('dead-letter?queue=billing');
    await expect.poll(() => page.getByRole('region', { name: 'Dead jobs' }).getByRole('row').count()).toBe(4);
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete 3 jobs' }).click();
    await page.getByText('No dead letters match.').waitFor();
    expect(dashboard.complaints).toEqual([]);
  });
});
