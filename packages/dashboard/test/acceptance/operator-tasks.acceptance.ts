import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage } from '@ojs-ts/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fill } from '../../../../bench/src/control/fixture.ts';
import { table } from '../../../../bench/src/table.ts';
import { chromiumPath, Dashboard } from '../dashboard.ts';
import { Operator } from './operator.ts';
import { elsewhere, type Scene, setScene, tasks } from './tasks.ts';

const count = Number(process.env.TASK_JOBS ?? 1_000_000);
const page = readFileSync(new URL('../../../../docs/operator-tasks.md', import.meta.url), 'utf8');
/** The last column of each task. */
const documented = new Map(
  [...page.matchAll(/^\| ([A-Z][^|]+) \| `(?:[^`]+)` \| (.+) \|$/gm)].map(([, name = '', path = '']) => [name, path]),
);

describe.skipIf(chromiumPath === null)(`the tasks of an operator, with ${count} jobs`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-tasks-'));
  const storage = `sqlite:${join(folder, 'jobs.db')}`;
  let dashboard: Dashboard;
  let scene: Scene;
  beforeAll(async () => {
    {
      await using filled = await openStorage(storage);
      await fill(filled, count);
    }
    dashboard = await Dashboard.start({ storage });
    scene = await setScene(dashboard.server.url);
    await cancelWrongly(dashboard.server.url);
  });
  afterAll(async () => {
    await dashboard?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test('each takes four actions and ten seconds at most', async () => {
    // Once there is a token the server asks for one, so that the tasks about tokens have a server of their own.
    await using guarded = await Dashboard.start({ storage: 'memory:', tokens: ['a-root-secret'] });
    await guarded.page.goto(guarded.url);
    await guarded.page.getByLabel('Token').fill('a-root-secret');
    await guarded.page.keyboard.press('Enter');
    await guarded.page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    const open = new Operator(dashboard.page, dashboard.url);
    const admin = new Operator(guarded.page, guarded.url);
    const rows: { readonly name: string; readonly path: string; readonly actions: number; readonly seconds: number }[] =
      [];
    const problems: string[] = [];
    for (const { name, run } of tasks) {
      const operator = /token|colleague/.test(name) ? admin : open;
      await operator.begin();
      const from = performance.now();
      try {
        await run(operator, scene);
      } catch (error) {
        problems.push(`${name}: ${String(error)}\n${await operator.page.getByRole('main').ariaSnapshot()}`);
      }
      const seconds = (performance.now() - from) / 1_000;
      const { actions } = operator;
      const path = `${actions.length === 0 ? 'Overview' : actions.join(' → ')} (${actions.length})`;
      rows.push({ name, path, actions: actions.length, seconds });
    }
    console.log(
      table(
        ['task', 'in the dashboard', 'seconds'],
        rows.map(({ name, path, seconds }) => [name, path, seconds.toFixed(1)]),
        2,
      ),
    );
    expect(problems).toEqual([]);
    expect(rows.filter(({ actions, seconds }) => actions > 4 || seconds >= 10)).toEqual([]);
    expect(documented).toEqual(new Map([...rows.map(({ name, path }) => [name, path] as const), ...elsewhere]));
    expect(dashboard.complaints).toEqual([]);
  });
});

/** A bulk cancel that somebody wants to undo. */
async function cancelWrongly(url: string): Promise<void> {
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/ojs/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
  };
  for (let index = 0; index < 3; index++)
    await post('jobs', { type: 'wrong.job', args: [], options: { queue: 'wrong' } });
  await post('admin/bulk', { action: 'cancel', query: 'queue:wrong', confirm: true });
}
