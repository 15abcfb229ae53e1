import { beforeAll, expect, test } from 'vitest';
import { isWider, violations } from '../axe.ts';
import { describeDashboard } from '../describe-dashboard.ts';

describeDashboard('events and limits', {}, (dashboard) => {
  const { post } = dashboard;
  const enqueue = (index: number) =>
    post('jobs', {
      type: 'sync.run',
      args: [index],
      options: { queue: 'sync', rate_limit: { key: 'tenant:acme', concurrency: 1 } },
    });
  beforeAll(async () => {
    for (let index = 0; index < 4; index++) await enqueue(index);
    await post('workers/fetch', { queues: ['sync'], worker_id: 'w1', count: 2 });
  });

  test('the tail follows the log, pauses, filters, and replays from an event on', async () => {
    const { page } = dashboard;
    const rows = page.getByRole('row');
    await dashboard.open('events');
    await page.getByRole('cell', { name: 'job.started', exact: true }).first().waitFor();
    const before = await rows.count();
    await page.getByText('Live', { exact: true }).waitFor();
    await enqueue(4);
    await expect.poll(() => rows.count()).toBe(before + 1);
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByText('Paused', { exact: true }).waitFor();
    await enqueue(5);
    await page.getByRole('button', { name: 'Follow again' }).click();
    await expect.poll(() => rows.count()).toBe(before + 2);
    await page.getByLabel('Kinds').fill('worker.*');
    await page.getByRole('button', { name: 'Filter' }).click();
    await expect.poll(() => rows.count()).toBe(2);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'w1' }).waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'From here: job.enqueued' }).last().click();
    await page.getByText('The log after one event, oldest first.').waitFor();
    await expect.poll(() => rows.count()).toBe(before + 1);
    await page.getByRole('button', { name: 'Back to now' }).click();
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => isWider(page)).toBe(false);
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(dashboard.complaints).toEqual([]);
  });

  test('progress is left out until it is asked for, and the data of an event can be opened', async () => {
    const { page } = dashboard;
    const answer = await fetch(
      `${dashboard.server.url}/ojs/v1/jobs?q=${encodeURIComponent('queue:sync state:active')}`,
    );
    const { jobs }: { readonly jobs: readonly { readonly id: string }[] } = JSON.parse(await answer.text());
    await post('workers/progress', { job_id: jobs[0]?.id, worker_id: 'w1', percentage: 40, message: 'half of it' });
    const reports = page.getByRole('row', { name: /job\.progress/ });
    await dashboard.open('events');
    await page.getByRole('cell', { name: 'job.started', exact: true }).first().waitFor();
    expect(await reports.count()).toBe(0);
    await page.getByLabel('Progress and heartbeats').check();
    await reports.locator('summary').first().click();
    await reports.getByText('"half of it"', { exact: true }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(dashboard.complaints).toEqual([]);
  });

  test('a limit says who holds it and who waits, and is overridden for a while', async () => {
    const { page } = dashboard;
    await dashboard.open('limits');
    await page.getByText('1 of 1').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'tenant:acme' }).click();
    await page.getByRole('region', { name: 'Jobs: Who holds it' }).getByRole('link', { name: 'sync.run' }).waitFor();
    await expect.poll(() => page.getByRole('region', { name: 'Jobs: Who waits' }).getByRole('row').count()).toBe(6);
    await page.getByRole('button', { name: 'Override' }).click();
    await page.getByLabel('Running at once').fill('3');
    await page.getByText('2 of 5 jobs that are held back may start at once.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Override' }).click();
    await page.getByText('1 of 3').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Remove override' }).click();
    await page.getByText('1 of 1').waitFor();
    expect(dashboard.complaints).toEqual([]);
  });
});
