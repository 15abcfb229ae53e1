import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Dashboard } from '../../packages/dashboard/test/dashboard.ts';
import { describeDashboard } from '../../packages/dashboard/test/describe-dashboard.ts';
import { places } from '../../packages/dashboard/test/places.ts';
import { storages } from '../../packages/server/test/support/storages.ts';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

/** What each page is mainly for, done and seen done. */
const actions: Readonly<Record<string, (dashboard: Dashboard) => Promise<unknown>>> = {
  '': async ({ page }) => {
    await page
      .locator('a.tile')
      .filter({ hasText: /^Waiting/ })
      .click();
    await page.waitForURL(/state%3Aavailable/);
  },
  jobs: async ({ page }) => {
    const field = page.locator('[data-search]');
    await field.fill('type:card.charge');
    await field.press('Enter');
    await expect.poll(() => page.getByRole('row').filter({ hasText: 'card.charge' }).count()).toBe(6);
    await expect.poll(() => page.getByRole('row').filter({ hasText: 'email.send' }).count()).toBe(0);
  },
  queues: async ({ page }) => {
    await button(page, 'Pause billing').click();
    await button(page, 'Resume billing').click();
    await button(page, 'Pause billing').waitFor();
  },
  'queues/mail': async ({ page }) => {
    await button(page, 'Pause mail').click();
    await page.getByText('Queue mail is paused').waitFor();
    await button(page, 'Resume mail').click();
    await page.getByText('Queue mail runs again').waitFor();
  },
  workflows: async ({ page }) => {
    await page
      .getByRole('link', { name: /order-4711/ })
      .first()
      .click();
    await page.waitForURL(/workflows\/[^/]+$/);
  },
  crons: async ({ page }) => {
    await button(page, 'Run now: nightly-report').click();
    await page.getByText('Enqueued a run of nightly-report.').waitFor();
  },
  'crons/nightly-report': async ({ page }) => {
    await button(page, 'Pause nightly-report').click();
    await button(page, 'Resume nightly-report').click();
    await button(page, 'Pause nightly-report').waitFor();
  },
  'dead-letter': async ({ page }) => {
    await button(page, 'Only these').first().click();
    await button(page, 'Retry these…').click();
    await page.getByRole('button', { name: /^Retry \d+ jobs$/ }).click();
  },
  events: async ({ page, client }) => {
    await client.enqueue('store.event', [], { queue: 'reports' });
    await page.getByRole('cell', { name: 'store.event' }).first().waitFor();
  },
  doctor: async ({ page }) => {
    await button(page, 'Look again').click();
  },
  tokens: async ({ page }) => {
    await page.getByRole('button', { name: /New token/ }).click();
    await page.keyboard.press('Escape');
  },
  schemas: async ({ page }) => {
    await button(page, 'New schema').click();
    await page.keyboard.press('Escape');
  },
  configuration: async ({ page }) => {
    await button(page, 'Begin maintenance').click();
    await button(page, 'Begin').click();
    await button(page, 'End maintenance').click();
    await button(page, 'Begin maintenance').waitFor();
  },
};

const real = storages.filter(({ name }) => name === 'postgres' || name === 'redis');

for (const { name, url } of real) {
  describeDashboard(`every page on ${name}`, { server: { storage: url() }, seeded: true }, (dashboard) => {
    test('opens without a complaint, is live, and does what it is for', async () => {
      const { page, server } = dashboard;
      const all = await places(server.url);
      // A list of names, so that a page which leaves the list of places is missed.
      expect(Object.keys(actions).filter((place) => !all.includes(place))).toEqual([]);
      for (const place of all) {
        await dashboard.open(place);
        await dashboard.settle();
        await page.getByText('Live', { exact: true }).waitFor();
        expect(await page.locator('.failure').allTextContents(), place).toEqual([]);
        await actions[place]?.(dashboard);
        expect(await page.getByRole('alert').allTextContents(), place).toEqual([]);
      }
      expect(dashboard.complaints).toEqual([]);
    });
  });
}
