import { expect, test } from 'vitest';
import { bugsOf } from '../../bugs/src/index.ts';
import { simulate } from './child.ts';

test('300 more seeds on memory break no rule, and no kind of fault is missing', async () => {
  const { status, output } = await simulate('--seed', '31', '--seeds', '300', '--chaos-ms', '20000', '--quiet');
  expect({ status, output }).toMatchObject({ status: 0 });
  expect(output).not.toContain('never occurred');
});

test('10 seeds on SQLite break no rule', async () => {
  const { status, output } = await simulate('--seed', '5000', '--seeds', '10', '--storage', 'sqlite:', '--quiet');
  expect({ status, output }).toMatchObject({ status: 0 });
});

test.each(Object.keys(await bugsOf('simulation')))('the planted bug %s is found', async (name) => {
  const args = ['--bug', `simulation/${name}`, '--seeds', '120', '--chaos-ms', '20000', '--until-failure', '--quiet'];
  expect(await simulate(...args)).toMatchObject({ status: 1 });
});
