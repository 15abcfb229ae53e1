import { expect, test } from 'vitest';
import { isWider, violations } from '../axe.ts';
import { describeDashboard } from '../describe-dashboard.ts';

describeDashboard('workflows', {}, (dashboard) => {
  const call = async (path: string, body: unknown): Promise<Readonly<Record<string, unknown>>> => {
    const response = await fetch(`${dashboard.server.url}/ojs/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    expect(response.ok, text).toBe(true);
    return JSON.parse(text);
  };
  const claim = async (): Promise<string> => {
    const { jobs } = await call('workers/fetch', { queues: ['steps'], worker_id: 'w1', count: 1 });
    return String((jobs as readonly { readonly id: string }[])[0]?.id);
  };
  const step = (type: string) => ({ type, args: [], options: { queue: 'steps', retry: { max_attempts: 1 } } });

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
