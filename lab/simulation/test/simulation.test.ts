import { expect, test } from 'vitest';
import { simulate } from './child.ts';

test('a seed breaks no rule, and has the same hash twice', async () => {
  const { status, output } = await simulate('--seeds', '1', '--twice', '--chaos-ms', '8000', '--quiet');
  expect({ status, output }).toMatchObject({ status: 0, output: expect.stringContaining('1 seeds, 0 failed') });
});

test('a wrong option says what was expected', async () => {
  const { status, output } = await simulate('--storage', 'mysql://x');
  expect(status).toBe(2);
  expect(output).toContain('--storage is "mysql://x"; expected memory:, sqlite:, postgres://… or redis://…');
});

test('processes at once are refused on a real server, where they would empty one namespace', async () => {
  const { status, output } = await simulate('--storage', 'redis://localhost', '--jobs', '2');
  expect(status).toBe(2);
  expect(output).toContain('--jobs is 2; expected 1 with redis://');
});
