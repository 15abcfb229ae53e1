// The mounted dashboard as a user has it: packages from a registry, the real frameworks, the real build in a real browser.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../packages/cli/test/support/processes.ts';
import { violations } from '../../packages/dashboard/test/axe.ts';
import { chromiumPath, DashboardPage } from '../../packages/dashboard/test/dashboard.ts';
import { own } from '../../packages/dashboard/test/mount/support.ts';
import { proxyTo } from '../../packages/dashboard/test/proxy.ts';
import { packed } from '../../packages/sdk/test/package/project.ts';
import { Home, statusOf, stopwatch } from '../packages/home.ts';
import { type Registry, startRegistry } from '../packages/registry.ts';
import { type Application, applications, create } from './applications.ts';

const mountPoint = '/internal/ops';
/** The same for everybody, so they need no id. */
const pages =
  'jobs queues queues/mail workflows crons workers dead-letter events limits bulk doctor schemas audit configuration playground';
const noAuthorize = /authorize is missing, and NODE_ENV is (?:not set|"production")/;

describe.skipIf(chromiumPath === null)('a mounted dashboard', () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await startRegistry(Object.values(await packed()));
  });
  afterAll(() => registry?.[Symbol.asyncDispose]());

  test.each(applications)(
    '$framework: every page, an action, live events, two proxies, a visitor who is refused',
    async (application) => {
      const { framework, build, start, develop } = application;
      await using home = await Home.create(registry);
      const seconds = stopwatch();
      await create(home, application);
      const installed = seconds();
      await home.run('app', 'npm', 'run', 'typecheck');
      const checked = seconds();
      await expect(home.run('app', 'env', 'OPEN=1', ...(build ?? start))).rejects.toThrow(noAuthorize);
      if (build !== null) await home.run('app', ...build);
      const built = seconds();
      const origin = await begun(home, start);
      const began = seconds();

      const live = await walk(`${origin}${mountPoint}`);
      const walked = seconds();
      await using stripping = await proxyTo(origin, '/company');
      const stripped = await use(`${stripping.origin}/company${mountPoint}`);
      await using keeping = await proxyTo(origin, '');
      const kept = await use(`${keeping.origin}${mountPoint}`);
      const proxied = seconds();

      const inDevelopment = await begun(home, ['env', 'OPEN=1', ...develop]);
      await using anybody = await DashboardPage.at(`${inDevelopment}${mountPoint}`);
      await anybody.open('/queues');
      await anybody.page.getByRole('button', { name: 'Pause reports' }).waitFor();
      await anybody.page.getByText('Live', { exact: true }).waitFor();
      expect(anybody.complaints).toEqual([]);
      console.log(`${framework}, seconds:`, { installed, checked, built, began, walked, proxied, 'in all': seconds() });
      console.log(`${framework}, milliseconds from a job to the page:`, { direct: live, stripped, kept });
    },
  );
});

/** Starts a command, and answers its origin once the dashboard is there. */
async function begun(home: Home, command: Application['start']): Promise<string> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  home.start('app', 'env', `PORT=${port}`, ...command);
  // 403 without a cookie.
  await expect.poll(() => statusOf(`${origin}${mountPoint}`), { timeout: 120_000 }).toBeOneOf([200, 403]);
  return origin;
}

/** Calls the API of a mount as an administrator. */
async function ask(root: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${root}/ojs/v1/${path}`, {
    headers: { ...own, cookie: 'role=admin' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  expect([path, response.ok]).toEqual([path, true]);
  return response.json();
}

/** A page of somebody with this role. */
async function visit(root: string, role: 'admin' | 'viewer'): Promise<DashboardPage> {
  const view = await DashboardPage.at(root);
  await logIn(view, role);
  return view;
}

function logIn({ page, url }: DashboardPage, role: 'admin' | 'viewer'): Promise<void> {
  return page.context().addCookies([{ name: 'role', value: role, url }]);
}

/** Every page of a mount, and everybody who may come. Answers how long an event takes to the page, in milliseconds. */
async function walk(root: string): Promise<number> {
  const live = await use(root);
  await using view = await visit(root, 'admin');
  const { page } = view;
  for (const place of pages.split(' ')) {
    await view.open(`/${place}`);
    await view.settle();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.locator('.failure').allTextContents(), place).toEqual([]);
  }
  await refuse(view);
  expect(view.complaints).toEqual([]);

  await using viewer = await visit(root, 'viewer');
  await viewer.open('/queues');
  await viewer.page.getByRole('link', { name: 'reports', exact: true }).waitFor();
  expect(await viewer.page.getByRole('button', { name: /^Pause/ }).count()).toBe(0);
  expect(viewer.complaints).toEqual([]);
  return live;
}

/** A visitor whom the application refuses: from now on, and from the beginning. */
async function refuse(view: DashboardPage): Promise<void> {
  const { page, url } = view;
  await view.open('/queues');
  await page.context().clearCookies();
  await page.getByRole('button', { name: 'Pause reports' }).click();
  const refused = page.getByRole('heading', { level: 1, name: 'You may not see this dashboard' });
  await refused.waitFor();
  expect(await violations(page)).toEqual([]);
  const asked = page.waitForResponse(`${url}/session`);
  await page.getByRole('button', { name: 'Try again' }).click();
  await (await asked).finished();
  await refused.waitFor();
  await logIn(view, 'admin');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('button', { name: 'Pause reports' }).waitFor();
  await page.getByText('Live', { exact: true }).waitFor();

  await page.context().clearCookies();
  expect((await page.goto(`${url}/queues`))?.status()).toBe(403);
  expect(await page.textContent('body')).toContain('You may not see this dashboard.');
  const queues = await fetch(`${url}/ojs/v1/queues`);
  expect([queues.status, await queues.text()]).toEqual([401, expect.stringContaining('"unauthenticated"')]);
}

const jobs = z.object({ items: z.array(z.object({ id: z.string(), state: z.string() })) });

/**
 * What a mount is for: the overview at its bare address, a deep link with an action, live events, and the same page again
 * after a reload. Answers how long an event takes to the page, in milliseconds.
 */
async function use(root: string): Promise<number> {
  await using view = await visit(root, 'admin');
  const { page } = view;
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await view.open();
  await page.getByText('Live', { exact: true }).waitFor();

  const dead = async () => jobs.parse(await ask(root, 'admin/jobs?queue=mail&type=card.charge')).items[0];
  await expect.poll(async () => (await dead())?.state).toBe('discarded');
  await view.open(`/jobs/${(await dead())?.id}`);
  await page.getByText('The card has expired.').first().waitFor();
  await page.locator('.page-head').getByRole('button', { name: 'Retry', exact: true }).click();
  await page.getByText('The job is available again.').first().waitFor();

  const sidebar = page.getByRole('navigation', { name: 'Pages' });
  await sidebar.getByRole('link', { name: 'Queues', exact: true }).click();
  await page.getByRole('button', { name: 'Pause reports' }).click();
  await page.getByRole('button', { name: 'Resume reports' }).click();
  await page.getByRole('button', { name: 'Pause reports' }).waitFor();
  await page.reload();
  await page.getByText('Live', { exact: true }).waitFor();
  const waiting = page
    .getByRole('row', { name: /^reports/ })
    .getByRole('cell')
    .nth(1);
  const before = Number(await waiting.textContent());
  const sentAt = performance.now();
  await ask(root, 'jobs', { type: 'report.build', args: [before], options: { queue: 'reports' } });
  await expect.poll(() => waiting.textContent(), { interval: 20 }).toBe(`${before + 1}`);
  const live = Math.round(performance.now() - sentAt);
  // A second from the event to the page; the rest is a busy machine's.
  expect(live).toBeLessThan(3_000);

  await sidebar.getByRole('link', { name: 'Overview', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  expect(asked.filter((url) => !url.startsWith(root))).toEqual([]);
  expect(view.complaints).toEqual([]);
  return live;
}
