import type { Route } from 'playwright-core';
import { expect, test } from 'vitest';
import { violations } from './axe.ts';
import { describeDashboard } from './describe-dashboard.ts';

const since = '2026-03-27T09:30:00Z';

function json(status: number, body: object): Parameters<Route['fulfill']>[0] {
  return { status, contentType: 'application/json', body: JSON.stringify(body) };
}

const isHealth = (url: URL): boolean => url.pathname.endsWith('/ojs/v1/health');
const isOther = (url: URL): boolean => url.pathname.includes('/ojs/v1/') && !isHealth(url);

function health(status: string, writes: object): object {
  return {
    status: 'degraded',
    server_version: '0.1.0',
    uptime_seconds: 60,
    backend: { type: 'sqlite', status, latency_ms: 1 },
    checks: { writes, clock: { status: 'pass' }, file: { status: 'pass' } },
  };
}

describeDashboard('a storage in trouble', { seeded: true }, (dashboard) => {
  const banner = () => dashboard.page.getByRole('alert');
  const doctor = () => dashboard.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: /^Doctor/ });

  test('a full disk is told on every page, with the reason and since when', async () => {
    const { page } = dashboard;
    const writes = { status: 'fail', reason: 'full', message: 'jobs.db cannot grow: the disk is full.', since };
    await page.route(isHealth, (route) => route.fulfill(json(503, health('connected', writes))));
    for (const place of ['', 'queues', 'jobs']) {
      await dashboard.open(place);
      await banner().getByText('the disk is full').waitFor();
      await banner().getByText('Since').locator('time').waitFor();
      expect(await banner().locator('time').getAttribute('datetime'), place).toBe('2026-03-27T09:30:00.000Z');
      expect(await doctor().textContent(), place).toBe('Doctor!');
    }
    await dashboard.open();
    await page.getByRole('region', { name: 'Storage' }).getByText('the disk is full').waitFor();
    expect(await page.locator('.failure').allTextContents()).toEqual([]);
    expect(await violations(page)).toEqual([]);
    await page.unroute(isHealth);
    await page.keyboard.press('.');
    await banner().waitFor({ state: 'detached' });
    expect(await doctor().textContent()).toBe('Doctor');
  });

  test('an outage is one message in plain words, and its end is seen by the page itself', async () => {
    const { page } = dashboard;
    const writes = { status: 'fail', reason: 'unreachable', message: 'The storage does not answer.', since };
    const error = {
      code: 'backend_unavailable',
      message: 'The store is unreachable; try again.',
      hint: 'Wait for the number of seconds in Retry-After.',
    };
    await page.route(isHealth, (route) => route.fulfill(json(503, health('disconnected', writes))));
    await page.route(isOther, (route) => route.fulfill(json(503, { error })));
    await dashboard.open();
    await banner().getByText('The storage does not answer.').waitFor();
    await page.getByText('Not known during the outage').first().waitFor();
    expect(await banner().count()).toBe(1);
    expect(await page.getByText('Retry-After').count()).toBe(0);
    expect(await page.getByText('answers in').count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    await page.unroute(isHealth);
    await page.unroute(isOther);
    await page
      .locator('a.tile')
      .filter({ hasText: /^Waiting/ })
      .waitFor();
    await banner().waitFor({ state: 'detached' });
  });
});
