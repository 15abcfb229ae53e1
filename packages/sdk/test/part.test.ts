import { expect, test } from 'vitest';
import { OJSError } from '../src/errors.ts';
import { part, partsLoaded } from '../src/part.ts';
import { run } from './support/process.ts';

test('a part is loaded with its first use, and once', async () => {
  let loads = 0;
  const code = part(async () => ({ loads: ++loads }));
  expect(loads).toBe(0);
  expect(await Promise.all([code(), code()])).toEqual([{ loads: 1 }, { loads: 1 }]);
  expect(await code()).toEqual({ loads: 1 });
});

test('a part that cannot be loaded says so, and is tried again with its next use', async () => {
  const cause = new TypeError('Failed to fetch dynamically imported module');
  const answers = [Promise.reject(cause), Promise.resolve('there')];
  const code = part(() => answers.shift() ?? Promise.reject(cause));
  const failed = await code().catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(OJSError);
  expect(failed).toMatchObject({ message: expect.stringContaining('could not be loaded'), cause });
  expect(await code()).toBe('there');
});

test('what waits for a part goes on before those who wait for all of them, also where it cannot be loaded', async () => {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const { promise: other, resolve: load } = Promise.withResolvers<string>();
  const order: string[] = [];
  const waiting = [
    part(() => promise)().catch(() => order.push('failed')),
    part(() => other)().then((word) => order.push(word)),
  ];
  const all = partsLoaded().then(() => order.push('all'));
  load('loaded');
  await waiting[1];
  expect(order).toEqual(['loaded']);
  reject(new Error('gone'));
  resolve('too late');
  await all;
  expect(order).toEqual(['loaded', 'failed', 'all']);
});

/** In a process of its own, whose parts nobody has loaded before. */
test('the first use of a part changes neither the order of calls, nor what they say, nor which are refused', async () => {
  await using program = run('first-use.ts');
  expect(await program.exit).toEqual({ code: 0, signal: null });
  expect(JSON.parse(program.lines.at(-1) ?? '')).toEqual({
    begunBeforeClose: ['listed', 'created', 'created'],
    begunAfterClose: 'This client is closed.',
    order: [0, 1, 2, 3, 4],
    said: [[1], ['first'], ['second']],
    cron: 'before',
    left: 'left',
  });
});
