import { expect, test } from 'vitest';
import { isWider, violations } from '../axe.ts';
import { describeDashboard } from '../describe-dashboard.ts';

/** Where the texts of the first run stand, each place once. */
const baselines = `{
  const places = [...document.querySelector('li.row.spread').children].map((child) => {
    const mark = document.createElement('span');
    mark.style.display = 'inline-block';
    child.append(mark);
    return Math.round(mark.getBoundingClientRect().bottom);
  });
  [...new Set(places)];
}`;

describeDashboard('crons', {}, (dashboard) => {
  test('a cron is made after a look at its next runs, run, paused, changed and deleted', async () => {
    const { page } = dashboard;
    await dashboard.open('crons');
    await page.getByRole('heading', { name: 'No cron yet' }).waitFor();
    await page.getByRole('button', { name: 'New cron' }).click();
    await page.getByLabel('Name').fill('weekly');
    await page.getByLabel('Schedule').fill('0 9 * *');
    await page.getByText(/^expression: cron expression with 4 fields/).waitFor();
    const [schedule, zone] = await Promise.all(
      ['Schedule', 'Time zone'].map((label) => page.getByLabel(label).boundingBox()),
    );
    expect([zone?.y, zone?.height]).toEqual([schedule?.y, schedule?.height]);
    await page.getByLabel('Schedule').fill('30 2 * * 0');
    await page.getByLabel('Time zone').fill('Europe/Berlin');
    await page.getByRole('status', { name: 'Next runs' }).getByText('At 02:30, only on Sunday').waitFor();
    const [overlap, description] = await Promise.all(
      ['Overlap', 'Description'].map((label) => page.getByLabel(label).boundingBox()),
    );
    expect([overlap?.y, overlap?.height]).toEqual([description?.y, description?.height]);
    await page.getByLabel('Job type').fill('report.build');
    await page.getByLabel('Queue').fill('reports');
    await page.getByLabel('Arguments').fill('[12345678901234567890, 1.0e3]');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { level: 1, name: 'weekly' }).waitFor();
    await page.getByRole('group', { name: 'Arguments' }).getByText('12345678901234567890').waitFor();
    await page.getByRole('group', { name: 'Arguments' }).getByText('1.0e3').waitFor();
    await page.getByRole('button', { name: 'Run now: weekly' }).click();
    await page.getByRole('region', { name: 'Past runs' }).first().getByText('available').waitFor();
    await page.getByRole('button', { name: 'Pause weekly' }).click();
    await page.getByRole('button', { name: 'Resume weekly' }).waitFor();
    await page.getByText('Paused by an operator').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => isWider(page)).toBe(false);
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('heading', { name: 'No cron yet' }).waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('a change sends only what was changed: a pause, the policies and the description stay', async () => {
    const { page, client } = dashboard;
    const before = await client.registerCronJob({
      name: 'kept',
      cron: '@every 4h',
      type: 'report.build',
      args: [1],
      queue: 'reports',
      overlapPolicy: 'enqueue',
      description: 'for the board',
      meta: { team: 'a' },
      retry: { maxAttempts: 5 },
    });
    await client.triggerCronJob('kept');
    await client.pauseCronJob('kept');
    await dashboard.open('crons/kept');
    await page.getByRole('button', { name: 'Change' }).click();
    await page.getByRole('textbox', { name: 'Schedule' }).fill('0 0 30 2 *');
    await page.getByRole('textbox', { name: 'Queue' }).fill('late');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: 'late' }).waitFor();
    const { overlapPolicy, description, meta, retry } = before;
    expect(await client.getCronJob('kept')).toMatchObject({
      ...{ overlapPolicy, description, meta, retry, cron: '0 0 30 2 *', queue: 'late', pausedAt: expect.any(Date) },
    });
    await dashboard.open('crons');
    const row = page.getByRole('row', { name: /kept/ });
    await row.getByText('paused').waitFor();
    await row.getByText('0 0 30 2 *').waitFor();
    await row.getByRole('link', { name: 'available' }).waitFor();
    await row.getByRole('button', { name: 'Resume kept' }).click();
    await row.getByText('never runs').waitFor();
    await client.unregisterCronJob('kept');
  });

  test('the next runs mark the changes of the clocks, from any day', async () => {
    const { page, client } = dashboard;
    await client.registerCronJob({
      name: 'dst',
      cron: '30 2 * * *',
      timezone: 'Europe/Berlin',
      type: 'tick',
      args: [],
    });
    await dashboard.open('crons/dst?from=2027-03-26');
    const runs = page.getByRole('region', { name: 'Next runs' });
    await runs.getByText('Clocks go forward from 02:00 to 03:00.').waitFor();
    expect(await runs.getByLabel('From').inputValue()).toBe('2027-03-26');
    expect(await page.evaluate(baselines)).toHaveLength(1);
    await runs.getByLabel('Number of runs').selectOption('1000 runs');
    await expect.poll(() => runs.getByText('clock change').count()).toBeGreaterThan(3);
    await page.goBack();
    await expect.poll(() => runs.getByText('clock change').count()).toBe(1);
    await runs.getByLabel('From').fill('2027-10-31');
    await runs.getByText('Clocks go back from 03:00 to 02:00.').waitFor();
    expect(await violations(page)).toEqual([]);
  });
});
