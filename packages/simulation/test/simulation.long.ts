import { expect, test } from 'vitest';
import { mutants } from '../src/mutants.ts';
import { simulate } from './child.ts';

test('500 seeds on memory break no rule, and no kind of fault is missing', async () => {
  const { status, output } = await simulate('--seed', '1000', '--seeds', '500', '--jobs', '2', '--quiet');
  expect({ status, output }).toMatchObject({ status: 0 });
  expect(output).not.toContain('never occurred');
});

test('60 seeds on SQLite break no rule', async () => {
  const args = ['--seed', '5000', '--seeds', '60', '--jobs', '2', '--storage', 'sqlite:', '--quiet'];
  const { status, output } = await simulate(...args);
  expect({ status, output }).toMatchObject({ status: 0 });
});

test.each(mutants.filter(({ isMissed }) => isMissed !== true))('the planted bug $name is found', async ({ name }) => {
  expect(await simulate('--mutant', name, '--seeds', '200', '--until-failure', '--quiet')).toMatchObject({ status: 1 });
});
