import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, Dashboard, launch } from './dashboard.ts';

describe.skipIf(chromiumPath === null)('the shell', () => {
  let browser: Browser;
  let dashboard: Dashboard;
  beforeAll(async () => {
    browser = await launch();
    dashboard = await Dashboard.start(browser);
  });
  afterAll(async () => {
    await dashboard?.[Symbol.asyncDispose]();
  });

  test('every page opens by its address and by its keys, and the browser complains of nothing', async () => {
    const { page } = dashboard;
    await dashboard.open('jobs/none?x=1');
    await page.keyboard.press('g');
    await page.keyboard.press('q');
    await page.getByRole('heading', { level: 1, name: 'Queues' }).waitFor();
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
});
