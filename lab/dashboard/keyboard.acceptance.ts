import { readdirSync, readFileSync } from 'node:fs';
import { manualClock } from '@ojs-ts/core';
import { operationNames, routeOf } from '@ojs-ts/core/operations';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { groups } from '../../packages/dashboard/app/shell/navigation.ts';
import { chromiumPath, Dashboard, DashboardPage } from '../../packages/dashboard/test/dashboard.ts';
import { places } from '../../packages/dashboard/test/places.ts';
import { seed } from '../../packages/dashboard/test/seed.ts';
import { serveClocked } from '../../packages/server/test/support/clocked.ts';
import { askAt } from './ask.ts';
import { Keyboard } from './keyboard.ts';
import { type Api, actions, apiAt } from './keyboard-actions.ts';

const secret = 'secret-of-the-admin';
const changing = operationNames.filter((name) => routeOf(name).method !== 'GET');

/** What the app can send, each as its file and the operation. Questions about rights and events are no calls. */
function actionsOfApp(): readonly string[] {
  const app = new URL('../../packages/dashboard/app/', import.meta.url);
  const files = readdirSync(app, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
  return files.flatMap((file) => {
    const code = readFileSync(new URL(file, app), 'utf8').replaceAll(
      /(?:useMay|mayCall|hasType)\([^)]*\)|needs: '[^']*'|call="[^"]*"/g,
      '',
    );
    return changing
      .filter((name) => code.includes(`'${name}'`))
      .map((name) => `${file.replace(/^pages\//, '').replace(/\.tsx?$/, '')} ${name}`);
  });
}

/** The operation of a request. */
function operationOf(method: string, address: string): string {
  const { pathname } = new URL(address);
  const found = changing.find((name) => {
    const route = routeOf(name);
    const pattern = new RegExp(`^${route.path.replaceAll(/:\w+/g, '[^/]+')}$`);
    return route.method === method && pattern.test(pathname);
  });
  return found ?? `${method} ${pathname}`;
}

describe.skipIf(chromiumPath === null)('without a mouse', () => {
  test('Tab reaches every control of every page, the focus shows on each, and Tab leaves the page', async () => {
    await using dashboard = await Dashboard.start();
    await using _ = await seed(dashboard.server.url);
    const keyboard = new Keyboard(dashboard.page, dashboard.url);
    for (const place of await places(dashboard.server.url)) {
      await dashboard.open(place);
      await dashboard.settle();
      await dashboard.page.getByText('Loading the editor').waitFor({ state: 'detached' });
      expect(await keyboard.walk(), place).toEqual({ missed: [], unseen: [], ended: true });
    }
    expect(dashboard.complaints).toEqual([]);
  });

  describe('every action', () => {
    let dashboard: Dashboard;
    let keyboard: Keyboard;
    let api: Api;
    let beats: ReturnType<typeof setInterval>;
    const opened = new AsyncDisposableStack();
    const sent: string[] = [];
    const watch = (page: Page): void => {
      page.on('request', (request) => {
        if (request.method() !== 'GET') sent.push(operationOf(request.method(), request.url()));
      });
    };
    const silent = async (): Promise<DashboardPage> => {
      const clock = manualClock(Date.now());
      const server = opened.use(await serveClocked('memory:', { clock }));
      await server.bench.beat('kb-silent');
      const ask = askAt(server.url, secret);
      const options = { queue: 'stuck', rate_limit: { key: 'kb-stuck', concurrency: 1 } };
      await ask('POST', 'jobs', { type: 'kb.job', args: [1], options });
      await ask('POST', 'workers/fetch', { queues: ['stuck'], worker_id: 'kb-silent', count: 1 });
      clock.advance(31_000);
      const other = await DashboardPage.at(`${server.url}/dashboard/`);
      watch(other.page);
      return other;
    };
    beforeAll(async () => {
      dashboard = await Dashboard.start({ tokens: [`admin:${secret}`] });
      const { page, server } = dashboard;
      keyboard = new Keyboard(page, dashboard.url);
      api = apiAt(server.url, secret);
      const beat = () => api.ask('POST', 'workers/heartbeat', { worker_id: 'kb-live', active_jobs: [] });
      await beat();
      beats = setInterval(() => void beat().catch(() => {}), 5_000);
      watch(page);
      await dashboard.open();
      await keyboard.reach(page.getByLabel('Token'));
      await page.keyboard.insertText(secret);
      await keyboard.key('Enter');
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    });
    afterAll(async () => {
      clearInterval(beats);
      await dashboard?.[Symbol.asyncDispose]();
      await opened.disposeAsync();
    });

    test('of the app has its way by keys', () => {
      expect(Object.keys(actions).toSorted()).toEqual([...actionsOfApp()].toSorted());
    });

    test.each(Object.keys(actions))('%s', async (name) => {
      sent.length = 0;
      await actions[name]?.({ page: dashboard.page, keyboard, api, silent });
      await expect.poll(() => sent).toContain(name.split(' ')[1]);
      expect(await dashboard.page.getByRole('alert').allTextContents()).toEqual([]);
    });

    test('every place, the theme, times and zone, the search and the list of keys', async () => {
      const { page } = dashboard;
      await keyboard.open('jobs');
      for (const { to, label, key } of groups.flatMap((group) => group.places)) {
        await keyboard.key('g', key);
        await page.getByRole('heading', { level: 1, name: label }).waitFor();
        expect(new URL(page.url()).pathname, label).toBe(`/dashboard${to}`);
        await expect.poll(() => page.evaluate('document.activeElement.id'), { message: label }).toBe('main');
      }
      await keyboard.open('jobs');
      const commands = ['Theme: dark', 'Theme: system', 'Times: absolute', 'Times: relative'];
      for (const command of [...commands, 'Time zone: utc', 'Time zone: local']) {
        await keyboard.key('Control+k');
        await page.getByPlaceholder('Go to a page').waitFor();
        await page.keyboard.insertText(command);
        const chosen = page.locator('[cmdk-item][data-selected="true"]');
        await expect.poll(async () => (await chosen.textContent())?.toLowerCase()).toBe(command.toLowerCase());
        await keyboard.key('Enter');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        await expect.poll(() => page.evaluate('document.activeElement.id'), { message: command }).toBe('main');
        const theme = command === 'Theme: dark' ? 'dark' : undefined;
        if (command.startsWith('Theme'))
          expect(await page.evaluate('document.documentElement.dataset.theme')).toBe(theme);
      }
      await keyboard.key('?');
      await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
      await keyboard.key('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await keyboard.key('/');
      const query = page.getByRole('combobox', { name: 'Query' });
      await keyboard.reach(query);
      await page.keyboard.insertText('queue:halted');
      await keyboard.key('Enter');
      await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('queue:halted');
    });

    test('views, columns, order and filters of the list of jobs', async () => {
      const { page } = dashboard;
      await api.push('halted');
      await keyboard.open('jobs?q=queue:halted');
      await keyboard.ask('Save view');
      await keyboard.write('Name', 'Halted');
      await keyboard.confirm('Save');
      await keyboard.press('button', 'Forget Halted');
      await keyboard.ask('Columns');
      await keyboard.check('Tags');
      await keyboard.confirm('Done');
      await page.getByRole('columnheader', { name: 'Tags' }).waitFor();
      await keyboard.pick('Order', 'Oldest first');
      await keyboard.choose('Any time', 'Last hour');
      await page.getByRole('button', { name: 'Last hour' }).waitFor();
      await keyboard.press('button', /^available/);
      await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('state:available age<1h queue:halted');
      await keyboard.choose('Copy as', 'Copy as curl');
      await page.getByRole('region', { name: 'Notifications' }).getByText(/curl/).waitFor();
    });

    test('the views of a workflow, the tail of events, and the end of the session', async () => {
      const { page } = dashboard;
      const steps = [1, 2].map((step) => ({ type: 'kb.step', args: [step], options: { queue: 'steps' } }));
      const { workflow } = await api.ask('POST', 'workflows', { type: 'chain', name: 'kb-views', steps });
      const id = typeof workflow === 'object' && workflow !== null && 'id' in workflow ? workflow.id : '';
      await keyboard.open(`workflows/${id}`);
      await keyboard.reach(page.getByRole('tab', { name: 'Graph' }));
      await keyboard.key('ArrowRight');
      await expect.poll(() => new URL(page.url()).searchParams.get('view')).toBe('waterfall');
      await keyboard.check('Failed only');
      await page.getByText('No job has failed').waitFor();
      await keyboard.open('events');
      await keyboard.press('button', 'Pause');
      await keyboard.press('button', 'Follow again');
      await keyboard.press('button', 'Pause');
      await keyboard.press('button', /^From here/);
      await keyboard.press('button', 'Back to now');
      await keyboard.open('queues');
      await keyboard.press('button', 'Log out');
      await page.getByRole('heading', { level: 1, name: 'Log in' }).waitFor();
      expect(dashboard.complaints).toEqual([]);
    });
  });
});
