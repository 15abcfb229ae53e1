import { expect, test } from 'vitest';
import { isWider, violations } from '../axe.ts';
import { describeDashboard } from '../describe-dashboard.ts';

describeDashboard('workflows', {}, (dashboard) => {
  const { post: call } = dashboard;
  const claim = async (queue = 'steps'): Promise<string> => {
    const { jobs } = await call('workers/fetch', { queues: [queue], worker_id: 'w1', count: 1 });
    return String((jobs as readonly { readonly id: string }[])[0]?.id);
  };
  const step = (type: string, queue = 'steps') => ({ type, args: [], options: { queue, retry: { max_attempts: 1 } } });

  test('a workflow runs before the reader’s eyes, as a graph and as a waterfall', async () => {
    const { page } = dashboard;
    await dashboard.open('workflows');
    await page.getByRole('heading', { name: 'No workflow yet' }).waitFor();
    await call('workflows', {
      type: 'chain',
      name: 'order-4711',
      steps: [
        step('order.check'),
        { type: 'group', jobs: [step('order.pay'), step('order.pack')] },
        step('order.send'),
      ],
    });
    await page.getByRole('link', { name: 'order-4711' }).click();
    const box = (name: string) => page.locator('.graph-box').filter({ hasText: name });
    await box('order.send').getByText('waiting').waitFor();
    await page.getByText('0 of 4 jobs done').waitFor();
    expect(await violations(page)).toEqual([]);
    const first = await claim();
    await box('order.check').getByText('active').waitFor();
    await call('workers/ack', { job_id: first, worker_id: 'w1' });
    await page.getByText('1 of 4 jobs done').waitFor();
    const failing = await claim();
    await call('workers/nack', { job_id: failing, worker_id: 'w1', error: { code: 'boom', message: 'no funds' } });
    await page
      .getByText(/1 failed|1 discarded/)
      .first()
      .waitFor();
    await page.getByLabel('Failed only').check();
    await expect.poll(() => page.locator('.graph-box').count()).toBeLessThan(3);
    await page.getByLabel('Failed only').uncheck();
    await page.getByRole('tab', { name: 'Waterfall' }).click();
    await expect.poll(() => page.getByRole('row').count()).toBe(5);
    expect(await violations(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => isWider(page)).toBe(false);
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goBack();
    await page.locator('.graph-box').first().waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('steps have their names, the failed one its error, and states their colours', async () => {
    const { page } = dashboard;
    const named = (id: string, ...after: readonly string[]) => ({
      ...step('etl.step', 'etl'),
      id,
      name: id,
      depends_on: after,
    });
    const many = Array.from({ length: 12 }, (_, index) => named(`load-${index}`, 'clean'));
    const { id } = await call('workflows', {
      name: 'etl',
      steps: [named('extract'), named('clean', 'extract'), ...many],
    });
    await call('workers/ack', { job_id: await claim('etl'), worker_id: 'w1' });
    await call('workers/nack', {
      job_id: await claim('etl'),
      worker_id: 'w1',
      error: { code: 'bad_row', type: 'TypeError', message: 'row 2 is empty' },
    });
    await dashboard.open(`workflows/${id}`);
    const box = (name: string) => page.locator('.graph-box').filter({ hasText: name });
    await box('clean').getByText('failed').waitFor();
    expect(await box('clean').getAttribute('data-tone')).toBe('bad');
    expect(await box('extract').getAttribute('data-tone')).toBe('good');
    const error = page.getByRole('region', { name: 'The step that failed' });
    await error.getByText('TypeError: row 2 is empty').waitFor();
    expect(await error.getByRole('link').textContent()).toBe('clean');
    const scale = () =>
      page.evaluate("new DOMMatrix(getComputedStyle(document.querySelector('.react-flow__viewport')).transform).a");
    const map = page.getByRole('img', { name: 'Overview of the graph' });
    expect(await map.locator('.react-flow__minimap-node').first().getAttribute('style')).toContain('var(--');
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await page.reload();
      await box('clean').waitFor();
      expect(await scale()).toBeGreaterThanOrEqual(0.8);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Failed only').check();
    await expect.poll(() => page.locator('.graph-box').count()).toBe(1);
    await expect.poll(scale).toBe(1);
    await page.getByRole('tab', { name: 'Waterfall' }).click();
    await page.getByRole('row', { name: /^clean.*TypeError: row 2 is empty/ }).waitFor();

    await page.getByRole('button', { name: 'Run again…' }).waitFor();
    await page.getByRole('button', { name: 'Retry workflow…' }).click();
    await page.getByRole('dialog').getByText('The failed step runs again: clean').waitFor();
    await page.getByRole('button', { name: 'Retry workflow', exact: true }).click();
    await page.locator('.page-head').getByText('running').waitFor();
    await page.getByRole('button', { name: 'Run again…' }).waitFor({ state: 'detached' });
    expect(dashboard.complaints).toEqual([]);
  });

  test('a workflow of more than a thousand jobs is drawn by types, and can be cancelled', async () => {
    const { page } = dashboard;
    const jobs = Array.from({ length: 1_200 }, (_, index) => step(index % 2 === 0 ? 'page.fetch' : 'page.parse'));
    const { id } = await call('workflows', { type: 'group', name: 'crawl', jobs });
    await dashboard.open(`workflows/${id}`);
    await page.getByText('each box stands for all jobs of a type').waitFor();
    await page.locator('.graph-box').filter({ hasText: 'page.fetch' }).getByText('600').waitFor();
    await page.getByRole('button', { name: 'Cancel workflow…' }).click();
    await page.getByRole('dialog').getByText('Running jobs continue to their end').waitFor();
    await page.getByRole('button', { name: 'Cancel workflow', exact: true }).click();
    await page.getByRole('banner').or(page.locator('.page-head')).getByText('cancelled').first().waitFor();
    expect(dashboard.complaints).toEqual([]);
  });
});
