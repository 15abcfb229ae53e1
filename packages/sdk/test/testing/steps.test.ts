import { afterEach, expect, test } from 'vitest';
import { Client, StepError } from '../../src/index.ts';
import { allEnqueued, drain, fakeMode, inlineMode, perform, restore } from '../../src/testing/index.ts';

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

test('perform() undoes with ctx.undo()', async () => {
  const store = fakeMode();
  const seen: unknown[] = [];
  store.registerHandler('test.job', async (ctx) => {
    await ctx.step('a', () => ({ id: 1 }), {
      undo: ({ result, certain, key }) => void seen.push([result, certain, key]),
    });
    await ctx.step('b', () => 2, { undo: () => void seen.push('b') });
    await ctx.undo();
    await ctx.undo();
  });
  await perform('test.job', []);
  expect(seen).toEqual(['b', [{ id: 1 }, true, expect.stringMatching(/\/a$/)]]);
});

test('drain() undoes a job that has failed, and one that was cancelled', async () => {
  const store = fakeMode();
  const seen: string[] = [];
  store.registerHandler('test.job', async (ctx) => {
    await ctx.step('charge', () => ctx.args[0], { undo: ({ result }) => void seen.push(`undo ${result}`) });
    if (ctx.args[0] === 'fails') throw new Error('no');
    await ctx.sleep('night', '8h');
  });
  const client = new Client();
  await client.enqueue('test.job', ['fails'], { retry: { maxAttempts: 1 } });
  const [waits, kept] = [await client.enqueue('test.job', ['waits']), await client.enqueue('test.job', ['kept'])];
  expect(await drain()).toBeGreaterThanOrEqual(3);
  await client.cancelJob(waits.id);
  await client.cancelJob(kept.id, { undo: false });
  store.advanceTime('1s');
  await drain();
  expect(seen.toSorted()).toEqual(['undo fails', 'undo waits']);
  expect(allEnqueued({ jobType: 'test.job.undo' })).toHaveLength(2);
});

test('drain() runs a job until it is suspended, and advanceTime() wakes it', async () => {
  const store = fakeMode();
  const seen: string[] = [];
  let probes = 0;
  store.registerHandler('test.job', async (ctx) => {
    seen.push('start');
    const first = await ctx.step('first', () => ({ at: new Date(0) }));
    await ctx.sleep('night', '8h');
    const retry = { maxAttempts: 3, initialInterval: '1h', maxInterval: '1h', jitter: false } as const;
    const tries = await ctx.step(
      'flaky',
      ({ attempt }) => (attempt < 2 ? Promise.reject(new TypeError('no')) : attempt),
      { retry },
    );
    const ready = await ctx.poll('ready', () => (++probes === 2 ? probes : undefined), { every: '1h', timeout: '1d' });
    return [first, tries, ready, ctx.attempt];
  });
  const job = await new Client().enqueue('test.job', []);
  expect(await drain()).toBe(1);
  expect(await drain()).toBe(0);
  expect((await job.refresh()).state).toBe('retryable');
  expect(store.steps(job)).toMatchObject([
    { name: 'first', kind: 'run', state: 'done', number: 1, value: { at: '1970-01-01T00:00:00.000Z' } },
    { name: 'night', kind: 'sleep', state: 'open', until: expect.any(Date) },
  ]);
  store.advanceTime('4h');
  expect(await drain()).toBe(0);
  for (const by of ['4h', '1h', '1h'] as const) {
    store.advanceTime(by);
    expect(await drain()).toBe(1);
  }
  expect(seen).toHaveLength(4);
  expect((await job.refresh()).result).toEqual([{ at: '1970-01-01T00:00:00.000Z' }, 2, 2, 1]);
  expect(store.steps(job.id).map(({ name, state, tries }) => [name, state, tries])).toEqual([
    ['first', 'done', 1],
    ['night', 'done', undefined],
    ['flaky', 'done', 2],
    ['ready', 'done', 2],
  ]);
});
