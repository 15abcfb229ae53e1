import { manualClock } from '@ojs-ts/core';
import { Worker } from '@ojs-ts/sdk';
import { afterAll, expect, test } from 'vitest';
import { serveClocked } from '../../../server/test/support/clocked.ts';
import { isWider, violations } from '../axe.ts';
import { DashboardPage } from '../dashboard.ts';
import { describeDashboard } from '../describe-dashboard.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

describeDashboard('workers', {}, (dashboard) => {
  const worker = new Worker(dashboard.server.url, {
    queues: ['mail', 'media'],
    concurrency: 3,
    labels: ['blue'],
    heartbeatInterval: 200,
    shutdownTimeout: '50ms',
    handleSignals: false,
    logger: quiet,
  });
  worker.register('mail.send', async () => {});
  worker.register('image.resize', ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)));
  let running: Promise<void> | undefined;
  afterAll(async () => {
    await worker.stop();
    await running;
  });

  const { post } = dashboard;

  test('are listed with their load, found, quieted, resumed and told together', async () => {
    const { page, client } = dashboard;
    await dashboard.open('workers');
    await page.getByRole('heading', { name: 'No worker yet' }).waitFor();
    running = worker.start();
    await worker.ready;
    await client.enqueue('image.resize', ['cat.png'], { queue: 'media' });
    await post('workers/fetch', { worker_id: 'function-1', queues: ['mail'] });
    await post('workers/heartbeat', {
      worker_id: 'silent-1',
      hostname: 'web-9',
      active_jobs: [],
      load: { rss_bytes: 50 * 1_048_576, event_loop_lag_ms: 900 },
    });
    await dashboard.open('workers');
    const rowOf = (id: string) => page.getByRole('row').filter({ hasText: id.slice(-12) });
    const mine = rowOf(worker.workerId);
    await mine.getByText('1 of 3').waitFor();
    await mine.getByText(/^\d+ MiB$/).waitFor();
    await mine.getByText('mail, media').waitFor();
    await rowOf('silent-1').getByText('900 ms').waitFor();
    await rowOf('silent-1').getByText('high').waitFor();
    await rowOf('silent-1').getByText('50 MiB').waitFor();
    await rowOf('function-1').getByText('no heartbeat').waitFor();
    expect(await violations(page)).toEqual([]);

    await page.getByLabel('Find a worker').fill('blue');
    await expect.poll(() => page.getByRole('row').count()).toBe(2);
    expect(page.url()).toContain('find=blue');
    await page.getByLabel('Find a worker').fill('');

    await page.getByRole('button', { name: `Quiet ${worker.workerId}` }).click();
    await expect.poll(() => worker.state).toBe('quiet');
    await page.getByRole('button', { name: `Resume ${worker.workerId}` }).click();
    await expect.poll(() => worker.state).toBe('running');

    await page.getByLabel(`Select ${worker.workerId}`).check();
    await page.getByLabel('Select function-1').check();
    const selected = page.getByRole('region', { name: 'Selected workers' });
    await selected.getByText('2 workers selected').waitFor();
    await selected.getByRole('button', { name: 'Quiet' }).click();
    await page.getByText('Told 1 worker. Not told: 1 worker. The worker function-1 sends no heartbeats').waitFor();
    await expect.poll(() => worker.state).toBe('quiet');

    await page.getByRole('link', { name: /^Quiet/ }).click();
    await expect.poll(() => new URL(page.url()).searchParams.get('state')).toBe('quiet');
    await mine.waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => isWider(page)).toBe(false);
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(dashboard.complaints).toEqual([]);
  });

  test('one has its facts, its running jobs and those that it ran; it is stopped after a question', async () => {
    const { page, client } = dashboard;
    await post(`admin/workers/${worker.workerId}/resume`, {});
    await client.enqueue('mail.send', [1], { queue: 'mail' }).then((job) => job.wait());
    await dashboard.open(`workers/${worker.workerId}`);
    await page.getByRole('region', { name: 'Process' }).getByText(String(process.pid)).waitFor();
    await page.getByRole('region', { name: 'Load' }).getByText('1 of 3').waitFor();
    const current = page.getByRole('region', { name: 'Current jobs' });
    await current.getByRole('link', { name: 'image.resize' }).waitFor();
    await page.getByRole('region', { name: 'Recent jobs' }).first().getByRole('link', { name: 'mail.send' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => isWider(page)).toBe(false);
    await page.setViewportSize({ width: 1280, height: 800 });
    await current.getByRole('link', { name: 'image.resize' }).click();
    await page.waitForURL(/\/jobs\//);
    await page.goBack();
    await page.getByRole('button', { name: `Stop ${worker.workerId}…` }).click();
    await page.getByRole('dialog').getByText('(1 now)').waitFor();
    await page.getByRole('button', { name: 'Stop the worker' }).click();
    await running;
    await page.getByRole('heading', { level: 1, name: worker.workerId }).waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('one that is silent is removed after a question, and its job goes to others', async () => {
    const clock = manualClock(Date.now());
    await using stale = await serveClocked('memory:', { clock });
    await using silent = await DashboardPage.at(`${stale.url}/dashboard/`);
    await stale.bench.push({ queue: 'mail' });
    const [job] = await stale.bench.fetch({ queues: ['mail'], worker: 'silent-2' });
    await stale.bench.beat('silent-2', job === undefined ? [] : [job.id]);
    clock.advance(31_000);
    await silent.open('workers');
    const { page } = silent;
    await page.getByRole('button', { name: 'Remove silent-2…' }).click();
    await page.getByRole('dialog').getByText('(1 now)').waitFor();
    await page.getByRole('button', { name: 'Remove the worker' }).click();
    await page.getByText('Removed silent-2.').waitFor();
    await page.getByRole('heading', { name: 'No worker yet' }).waitFor();
    expect(await stale.bench.fetch({ queues: ['mail'], worker: 'other-1' })).toHaveLength(1);
    expect(silent.complaints).toEqual([]);
  });

  test('one that is blocked, or that does not stop, can be removed too', async () => {
    const { page } = dashboard;
    const beat = { active_jobs: [], load: { rss_bytes: 1, event_loop_lag_ms: 30_000 } };
    for (const worker_id of ['blocked-1', 'deaf-1'])
      await post('workers/heartbeat', {
        ...beat,
        worker_id,
        ...(worker_id === 'deaf-1' && { load: { rss_bytes: 1 } }),
      });
    await dashboard.open('workers');
    await page.getByRole('button', { name: 'Stop blocked-1…' }).waitFor();
    await page.getByRole('button', { name: 'Remove blocked-1…' }).click();
    await page.getByRole('dialog').getByText('The worker still sends heartbeats.').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Remove the worker' }).click();
    await page.getByText('Removed blocked-1.').waitFor();
    expect(await page.getByRole('button', { name: 'Remove deaf-1…' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Stop deaf-1…' }).click();
    await page.getByRole('button', { name: 'Stop the worker' }).click();
    await page.getByRole('button', { name: 'Remove deaf-1…' }).click();
    await page.getByRole('button', { name: 'Remove the worker' }).click();
    await page.getByText('Removed deaf-1.').waitFor();
    expect(dashboard.complaints).toEqual([]);
  });
});
