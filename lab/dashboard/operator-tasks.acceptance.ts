import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath } from '../../packages/dashboard/test/dashboard.ts';
import { table } from '../bench/src/table.ts';
import { Stage } from './stage.ts';
import { elsewhere, tasks } from './tasks.ts';
import { pathOf, type Trial, tryTask } from './trial.ts';

const count = Number(process.env.TASK_JOBS ?? 1_000_000);
const page = readFileSync(new URL('../../docs/operate/operator-tasks.md', import.meta.url), 'utf8');
/** The last column of each task. */
const documented = new Map(
  [...page.matchAll(/^\| ([A-Z][^|]+) \| `(?:[^`]+)` \| (.+) \|$/gm)].map(([, name = '', path = '']) => [name, path]),
);

describe.skipIf(chromiumPath === null)(`the tasks of an operator, with ${count} jobs`, () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open(count);
  });
  afterAll(() => stage?.[Symbol.asyncDispose]());

  test('each takes four actions and ten seconds at most', async () => {
    const rows: (Trial & { readonly name: string; readonly path: string })[] = [];
    const problems: string[] = [];
    for (const task of tasks) {
      const operator = stage.operatorOf(task);
      const trial = await tryTask(operator, () => task.run(operator, stage.scene));
      if (trial.problem !== null)
        problems.push(`${task.name}: ${trial.problem}\n${await operator.page.getByRole('main').ariaSnapshot()}`);
      rows.push({ ...trial, name: task.name, path: pathOf(trial.actions, 'Overview') });
    }
    console.log(
      table(
        ['task', 'in the dashboard', 'seconds'],
        rows.map(({ name, path, seconds }) => [name, path, seconds.toFixed(1)]),
        2,
      ),
    );
    expect(problems).toEqual([]);
    expect(rows.filter(({ actions, seconds }) => actions.length > 4 || seconds >= 10)).toEqual([]);
    expect(documented).toEqual(new Map([...rows.map(({ name, path }) => [name, path] as const), ...elsewhere]));
    expect(stage.complaints).toEqual([]);
  });
});
