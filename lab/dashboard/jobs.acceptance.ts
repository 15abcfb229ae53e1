import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, Dashboard } from '../../packages/dashboard/test/dashboard.ts';

const count = 1_000_000;
const batch = 10_000;

describe.skipIf(chromiumPath === null)('the jobs page with a million jobs', () => {
  let dashboard: Dashboard;
  const folder = mkdtempSync(join(tmpdir(), 'ojs-jobs-page-'));

  beforeAll(async () => {
    dashboard = await Dashboard.start({ storage: `sqlite:${join(folder, 'jobs.db')}` });
    for (let from = 0; from < count; from += batch) {
      const jobs = Array.from({ length: batch }, (_, index) => ({
        type: `kind${index % 7}.run`,
        args: [from + index],
        options: { queue: `queue${index % 5}` },
      }));
      const response = await fetch(`${dashboard.server.url}/ojs/v1/jobs/batch`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jobs }),
      });
      expect(response.status).toBe(201);
    }
  }, 600_000);
  afterAll(async () => {
    await dashboard?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test('any place is reached within two seconds, with few rows in the document', async () => {
    const { page } = dashboard;
    const region = page.getByRole('region', { name: 'Jobs' });
    const rows = region.locator('tbody tr:has(input)');
    const first = async () => Number(await rows.first().getAttribute('aria-rowindex', { timeout: 10_000 }));
    await dashboard.open('jobs');
    await page.getByText('1,000,000', { exact: true }).first().waitFor();
    const took: number[] = [];
    for (const share of [0.25, 0.5, 0.75, 0.999]) {
      const began = performance.now();
      await region.evaluate((element, at) => {
        element.scrollTop = element.scrollHeight * at;
      }, share);
      await expect.poll(first, { interval: 20 }).toBeGreaterThan(share * 900_000 - 1_000);
      took.push(Math.round(performance.now() - began));
      expect(await rows.count()).toBeLessThan(80);
    }
    console.log('milliseconds to each place:', took);
    expect(Math.max(...took)).toBeLessThan(2_000);
    await dashboard.open('jobs?q=args[0]=500000');
    await page.getByText('1,000,000 jobs read, 1 match.').waitFor({ timeout: 90_000 });
    expect(dashboard.complaints).toEqual([]);
  }, 120_000);
});
