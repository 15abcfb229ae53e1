import { afterEach, expect, test } from 'vitest';
import { Client, StepError } from '../../src/index.ts';
import { allEnqueued, fakeMode, inlineMode, perform, restore } from '../../src/testing/index.ts';

afterEach(restore);

test('inline mode runs all steps, and waits are over at once', async () => {
  const store = inlineMode();
  const seen: unknown[] = [];
  let probes = 0;
  store.registerHandler('mail.send', () => {});
  store.registerHandler('test.job', async (ctx) => {
    await ctx.sleep('a month', '30d');
    seen.push(await ctx.step('step', () => ({ at: new Date(0) })));
    seen.push(await ctx.poll('ready', () => (++probes === 3 ? probes : undefined), { every: '1d' }));
    await ctx.enqueue('mail', 'mail.send', []);
  });
  const job = await new Client().enqueue('test.job', []);
  expect(seen).toEqual([{ at: '1970-01-01T00:00:00.000Z' }, 3]);
  expect((await job.refresh()).state).toBe('completed');
});

test('perform() runs steps without a record', async () => {
  const store = fakeMode();
  let tries = 0;
  store.registerHandler('test.job', async (ctx) => {
    await ctx.sleep('a month', '30d');
    const flaky = () => {
      if (++tries < 3) throw new Error('not yet');
      return tries;
    };
    await ctx.enqueue('mail', 'mail.send', []);
    return [await ctx.step('flaky', flaky, { retry: { initialInterval: '1h' } }), ctx.args];
  });
  expect(await perform('test.job', [1])).toEqual([3, [1]]);
  expect(allEnqueued({ jobType: 'mail.send' })).toHaveLength(1);
});

test('perform() rejects with the error of a step', async () => {
  const store = fakeMode();
  store.registerHandler('test.job', (ctx) =>
    ctx.step('fails', () => Promise.reject(new Error('no')), { retry: false }),
  );
  await expect(perform('test.job', [])).rejects.toThrow(StepError);
});
