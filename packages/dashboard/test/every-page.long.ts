import { expect, test } from 'vitest';
import { isWider, violations } from './axe.ts';
import { describeDashboard } from './describe-dashboard.ts';
import { places } from './places.ts';

/** Whatever a text could become in a page, in every field that a user can write. */
const hostile = [
  '<img src=x onerror="window.pwned=1">',
  '</code></script><script>window.pwned=1</script>',
  '"><svg onload=window.pwned=1>',
  "javascript:window.pwned=1//'",
  '{{constructor.constructor("window.pwned=1")()}}',
  '&lt;b onmouseover=window.pwned=1&gt;',
];

describeDashboard('every page', { seeded: true }, (dashboard) => {
  test('has no violation of WCAG 2.2 AA in the light and in the dark, fits a phone, and shows what users wrote as text', async () => {
    const { page, server } = dashboard;
    await write(server.url);
    const all = new Set([...(await places(server.url)), ...(await places(server.url, 'xss'))]);
    for (const [index, place] of [...all].entries()) {
      await page.emulateMedia({ colorScheme: index % 2 === 0 ? 'light' : 'dark' });
      await dashboard.open(place);
      await dashboard.settle();
      expect(await page.locator('.failure').allTextContents(), place).toEqual([]);
      expect(await page.evaluate('window.pwned'), place).toBeUndefined();
      expect(await violations(page), place).toEqual([]);
      await page.setViewportSize({ width: 390, height: 844 });
      await expect.poll(() => isWider(page), { message: place }).toBe(false);
      await page.setViewportSize({ width: 1280, height: 800 });
    }
    expect(dashboard.complaints).toEqual([]);
  });
});

/** Jobs, workflows, crons, workers, schemas and errors with these texts in every field. */
async function write(url: string): Promise<void> {
  const post = async (path: string, body: unknown, method = 'POST') => {
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/ojs/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  };
  for (const [index, text] of hostile.entries()) {
    await post('jobs', {
      type: 'xss.job',
      args: [text, { [text]: text }],
      meta: { [text]: text, tenant: text },
      options: {
        queue: 'xss',
        tags: [text],
        rate_limit: { key: text, concurrency: 1 },
        retry: { max_attempts: 1, on_exhaustion: 'dead_letter' },
      },
    });
    await post('workflows', {
      type: 'chain',
      name: text,
      steps: [{ type: 'xss.step', args: [text], options: { queue: 'xss' } }],
    });
    await post('cron', {
      name: `xss-${index}`,
      cron: '0 0 1 1 *',
      job_template: { type: 'xss.cron', args: [text], options: { queue: 'xss' } },
    });
    await post('workers/heartbeat', {
      worker_id: text,
      hostname: text,
      queues: [text],
      labels: [text],
      active_jobs: [],
    });
    await post('schemas', { type: `xss.t${index}`, version: 1, schema: { title: text, description: text } });
  }
  const fetched = await fetch(`${url}/ojs/v1/workers/fetch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ queues: ['xss'], worker_id: hostile[0], count: 6 }),
  });
  const { jobs }: { readonly jobs: readonly { readonly id: string }[] } = JSON.parse(await fetched.text());
  for (const [index, { id }] of jobs.entries()) {
    const text = hostile[index] ?? '';
    await post('workers/nack', {
      job_id: id,
      worker_id: hostile[0],
      error: { code: text, type: text, message: text, details: { stack: text } },
    });
  }
}
