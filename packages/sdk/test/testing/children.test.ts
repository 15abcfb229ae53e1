import { afterEach, expect, test } from 'vitest';
import { Client, defineJob } from '../../src/index.ts';
import { drain, fakeMode, inlineMode, perform, restore } from '../../src/testing/index.ts';

afterEach(restore);

const square = defineJob<'square', [n: number], number>('square', { retry: { maxAttempts: 1 } });
const sum = defineJob<'sum', [numbers: number[]], number>('sum', { retry: { maxAttempts: 1 } });

function register(store: ReturnType<typeof fakeMode>): void {
  store.registerHandler(square, (ctx) => {
    if (ctx.args[0] < 0) throw new Error('negative');
    return ctx.args[0] ** 2;
  });
  store.registerHandler(sum, async (ctx) => {
    const [numbers] = ctx.args;
    const first = await ctx.run('first', square, [numbers[0] ?? 0]);
    const kids = await ctx.runAll(
      'squares',
      square,
      numbers.map((n): [n: number] => [n]),
    );
    let all = first;
    for await (const { result } of kids) all += result ?? 0;
    return all;
  });
}

test('drain() runs the jobs that a step starts, and then its job', async () => {
  const store = fakeMode();
  register(store);
  const job = await new Client().enqueue(sum, [[1, 2, 3]]);
  await drain();
  expect((await job.refresh()).result).toBe(15);
  expect(store.steps(job)).toMatchObject([
    { name: 'first', kind: 'child', state: 'done' },
    { name: 'squares', kind: 'child', state: 'done' },
  ]);
});

test('a failed job throws its error into the handler', async () => {
  register(fakeMode());
  const job = await new Client().enqueue(sum, [[-1]]);
  await drain();
  const ended = await job.refresh();
  expect([ended.state, ended.error?.message]).toEqual(['discarded', expect.stringContaining('negative')]);
});

test('inline mode runs the jobs of a step, and its job continues', async () => {
  register(inlineMode());
  const job = await new Client().enqueue(sum, [[2, 3]]);
  expect((await job.refresh()).result).toBe(17);
});

test('perform() gives a step what the test says', async () => {
  fakeMode().registerHandler('one', (ctx) => ctx.run('first', 'square', [3]));
  expect(await perform('one', [], { signals: { first: 9 } })).toBe(9);
});
