import { expect, test } from 'vitest';
import { isWider, violations } from '../axe.ts';
import { describeDashboard } from '../describe-dashboard.ts';

describeDashboard('doctor, configuration, audit, schemas', {}, (dashboard) => {
  test('the doctor finds a queue that nobody reads, and looks again', async () => {
    const { page, client } = dashboard;
    await dashboard.open('doctor');
    await page.getByRole('heading', { name: 'Nothing to mend' }).waitFor();
    await client.enqueue('lost', [], { queue: 'nobody-reads' });
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByText('1 job waits in the queue nobody-reads').waitFor();
    await client.pauseQueue('nobody-reads');
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByText('ojs queues resume nobody-reads').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'See nobody-reads' }).click();
    await page.getByRole('heading', { level: 1, name: 'nobody-reads' }).waitFor();
  });

  test('maintenance begins with a reason and ends, and the audit log has both', async () => {
    const { page } = dashboard;
    await dashboard.open('configuration');
    await page.getByRole('cell', { name: 'OJS_STORAGE' }).waitFor();
    await page.getByRole('button', { name: 'Begin maintenance' }).click();
    await page.getByLabel('Reason').fill('move to new disks');
    await page.getByRole('button', { name: 'Begin', exact: true }).click();
    await page.getByText('(move to new disks)').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'End maintenance' }).click();
    await page.getByText('Jobs start as usual.').waitFor();
    await dashboard.open('audit?type=maintenance');
    const entries = page.getByRole('link', { name: 'maintenance.changed' });
    await expect.poll(() => entries.count()).toBe(2);
    await entries.last().click();
    await page.getByRole('dialog').getByText('"move to new disks"').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => isWider(page)).toBe(false);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  test('a schema is registered as it was written, shown and deleted', async () => {
    const { page } = dashboard;
    await dashboard.open('schemas');
    await page.getByRole('heading', { name: 'No schema yet' }).waitFor();
    await page.getByRole('button', { name: 'New schema' }).click();
    await page.getByLabel('Job type').fill('order.pay');
    await page.getByLabel('JSON Schema of the arguments').fill('{"maxItems": 1.0e1, "type": "array"');
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByRole('alert').filter({ hasText: 'The schema is not JSON' }).waitFor();
    await page.getByLabel('JSON Schema of the arguments').fill('{"maxItems": 1.0e1, "type": "array"}');
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByRole('button', { name: 'order.pay' }).click();
    await page.getByRole('dialog').getByText('1.0e1').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('heading', { name: 'No schema yet' }).waitFor();
    expect(dashboard.complaints).toEqual([]);
  });
});
