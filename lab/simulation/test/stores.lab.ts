import { expect, test } from 'vitest';
import { storages } from '../../../packages/server/test/support/storages.ts';
import { simulate } from './child.ts';

const real = storages.filter(({ name }) => name === 'postgres' || name === 'redis');

test.each(real)('3 seeds on $name break no rule', async ({ url }) => {
  const args = ['--storage', url(), '--seed', '7000', '--seeds', '3', '--chaos-ms', '20000', '--quiet'];
  const { status, output } = await simulate(...args);
  expect({ status, output }).toMatchObject({ status: 0 });
});
