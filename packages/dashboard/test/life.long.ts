import { Client } from '@ojs-ts/sdk';
import { startServer } from '@ojs-ts/server';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromiumPath, Dashboard } from './dashboard.ts';
import { places } from './places.ts';
import { proxyTo } from './proxy.ts';
import { seed } from './seed.ts';
import { temporaryFile } from './support.ts';

const admin = 'admin-secret-of-the-test';

async function logIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
}

const isJob = (place: string): boolean => place.startsWith('jobs/');

/** Clicks all that can be clicked on the page, items of closed menus too. */
function clickEverything(page: Page): Promise<void> {
  return page.evaluate("for (const one of document.querySelectorAll('main button:enabled')) one.click()");
}

describe.skipIf(chromiumPath === null)('the life of a page', () => {
  const file = temporaryFile();
  let all: readonly string[];

  test('a restart of the server: the page says so, takes back what failed, and catches up', async () => {
    await using dashboard = await Dashboard.start({ storage: `sqlite:${file}` });
    const { page, server } = dashboard;
    await using stack = new AsyncDisposableStack();
    await (await seed(server.url))[Symbol.asyncDispose]();
    all = await places(server.url);
    await dashboard.open('queues');
    await page.getByText('Live', { exact: true }).waitFor();
    const waiting = page
      .getByRole('row', { name: /^reports/ })
      .getByRole('cell')
      .nth(1);
    expect(await waiting.textContent()).toBe('5');

    await server.close();
    await page.getByText('Offline', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Pause mail' }).click();
    await page.getByRole('alert').filter({ hasText: 'The server does not answer.' }).first().waitFor();
    await page.getByRole('button', { name: 'Pause mail' }).waitFor();

    const again = await startServer({ storage: `sqlite:${file}`, port: Number(new URL(server.url).port), log: false });
    stack.defer(() => again.close());
    await using client = new Client(again.url);
    await client.enqueue('report.build', [5], { queue: 'reports' });
    await page.getByText('Live', { exact: true }).waitFor();
    await expect.poll(() => waiting.textContent()).toBe('6');
    expect(await page.getByText('Some events were missed').count()).toBe(0);
    await page.getByRole('button', { name: 'Pause mail' }).click();
    await page.getByRole('button', { name: 'Resume mail' }).waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('a login: what a viewer may not do is on no page, and the end of a token is the end of the session', async () => {
    await using dashboard = await Dashboard.start({ storage: `sqlite:${file}`, tokens: [`admin:${admin}`] });
    const { page, server } = dashboard;
    const manage = async (method: string, path: string, body?: unknown): Promise<string> => {
      const response = await fetch(`${server.url}/ojs/v1/admin/tokens${path}`, {
        method,
        headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      expect(response.ok).toBe(true);
      return response.text();
    };
    const {
      token: { id },
      secret,
    }: { readonly token: { readonly id: string }; readonly secret: string } = JSON.parse(
      await manage('POST', '', { name: 'onlooker', roles: ['viewer'] }),
    );
    await dashboard.open('queues/mail?range=6h');
    await logIn(page, 'a-wrong-secret');
    await page.getByText('Unknown, revoked or expired token').waitFor();
    await logIn(page, secret);
    await page.getByRole('heading', { level: 1, name: 'mail' }).waitFor();
    await page.getByText(/\(viewer\)$/).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();

    const changes: string[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET') changes.push(`${request.method()} ${new URL(request.url()).pathname}`);
    });
    for (const place of all) {
      await dashboard.open(place);
      await dashboard.settle();
      await clickEverything(page);
      const dialogs = await page.getByRole('dialog').allTextContents();
      expect(
        dialogs.filter((text) => !/^(?:Columns|Export the jobs)/.test(text)),
        place,
      ).toEqual([]);
    }
    expect(changes).toEqual([]);

    await dashboard.open('queues');
    await page.getByText('Live', { exact: true }).waitFor();
    await manage('DELETE', `/${id}`);
    await page.getByRole('heading', { level: 1, name: 'Log in' }).waitFor();
    await logIn(page, admin);
    await page.getByRole('button', { name: 'New queue' }).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { level: 1, name: 'Log in' }).waitFor();
    expect(dashboard.complaints).toEqual([]);
  });

  test('a token of one queue sees no link to a page that refuses it', async () => {
    await using dashboard = await Dashboard.start({ storage: `sqlite:${file}`, tokens: [`admin:${admin}`] });
    const { page, server, url } = dashboard;
    const response = await fetch(`${server.url}/ojs/v1/admin/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'mail', roles: ['operator'], queues: ['mail'] }),
    });
    const { secret }: { readonly secret: string } = JSON.parse(await response.text());
    await dashboard.open('queues/mail');
    await logIn(page, secret);
    await page.getByRole('heading', { level: 1, name: 'mail' }).waitFor();
    const items = page.getByRole('navigation', { name: 'Pages' }).getByRole('listitem');
    const shown = ['Jobs', 'Queues', 'Events', 'Bulk operations', 'Schemas', 'Playground'];
    expect(await items.allTextContents()).toEqual(shown);
    // One page of each kind, as the links lead to it.
    const visited = new Set<string>();
    const waiting = ['', 'events?queues=mail', 'jobs?q=queue:mail', 'queues/mail', ...all.filter(isJob)];
    for (let place = waiting.shift(); place !== undefined; place = waiting.shift()) {
      const kind = isJob(place) ? place : place.replace(/\/.*/, '/').replace(/=.*/, '');
      if (visited.has(kind)) continue;
      visited.add(kind);
      await dashboard.open(place);
      await dashboard.settle();
      expect(await page.locator('.failure').allTextContents(), place).toEqual([]);
      const links: readonly string[] = await page.evaluate("[...document.links].map(({ href }) => href.split('#')[0])");
      const inside = links.filter((link) => link.startsWith(url)).map((link) => link.slice(url.length));
      waiting.push(...inside.filter((one) => !isJob(one)));
    }
    expect([...visited]).toEqual(expect.arrayContaining(['', 'queues/', 'schemas', 'jobs?q']));
    expect(dashboard.complaints).toEqual([]);
  });

  test('behind a proxy that strips a prefix: deep links, login and live updates', async () => {
    await using dashboard = await Dashboard.start({ storage: `sqlite:${file}`, tokens: [`admin:${admin}`] });
    const { page, server } = dashboard;
    await using proxy = await proxyTo(server.url, '/ops/jobs');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const root = `${proxy.origin}/ops/jobs/`;
    await page.goto(`${root}dashboard/queues/reports`);
    await logIn(page, admin);
    await page.getByRole('heading', { level: 1, name: 'reports' }).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    const waiting = page.locator('a.tile').filter({ hasText: /^Waiting/ });
    await expect.poll(() => waiting.textContent()).toContain('Waiting6');
    await using client = new Client(server.url, { token: admin });
    await client.enqueue('report.build', [6], { queue: 'reports' });
    await expect.poll(() => waiting.textContent()).toContain('Waiting7');
    await waiting.click();
    await page.waitForURL(`${root}dashboard/jobs?q=**`);
    await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor();
    expect(asked.filter((url) => !url.startsWith(root))).toEqual([]);
    expect(dashboard.complaints).toEqual([]);
  });
});
