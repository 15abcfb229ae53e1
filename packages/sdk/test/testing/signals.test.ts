import { afterEach, expect, test } from 'vitest';
import { Client, defineJob, defineSignal } from '../../src/index.ts';
import { SyncClient } from '../../src/sync/index.ts';
import { drain, fakeMode, inlineMode, perform, restore } from '../../src/testing/index.ts';

afterEach(restore);

const approval = defineSignal<{ approved: boolean }>('approval');
const payout = defineJob<'payout', [id: string], string>('payout');
const yes = { approved: true };

/** Registers the handler and returns what it did. */
function registered(store: ReturnType<typeof fakeMode>): readonly string[] {
  const done: string[] = [];
  store.registerHandler(payout, async (ctx) => {
    await ctx.step('ask', () => void done.push('ask'));
    const answer = ctx.wait(approval, { timeout: '7d' });
    const late = ctx.sleep('two days', '2d').then(() => true);
    if (await Promise.race([answer.then(() => false), late])) await ctx.step('remind', () => void done.push('remind'));
    const decision = await answer;
    if (decision?.approved !== true) return decision === undefined ? 'expired' : 'rejected';
    await ctx.step('pay', () => void done.push('pay'));
    return 'paid';
  });
  return done;
}

test('drain() runs a job until it waits for a signal, and store.signal() wakes it', async () => {
  const store = fakeMode();
  const done = registered(store);
  const job = await new Client().enqueue(payout, ['p-1']);
  expect(await drain()).toBe(1);
  expect(store.steps(job)).toMatchObject([
    { name: 'ask', state: 'done' },
    { name: 'approval', kind: 'signal', state: 'open', until: expect.any(Date) },
    { name: 'two days', kind: 'sleep', state: 'open' },
  ]);
  expect(await drain()).toBe(0);
  store.advanceTime('2d');
  expect(await drain()).toBe(1);
  expect(await store.signal(job, approval, yes)).toBe('woken');
  expect(await drain()).toBe(1);
  expect((await job.refresh()).result).toBe('paid');
  expect(done).toEqual(['ask', 'remind', 'pay']);
  expect(store.steps(job).map(({ name }) => name)).toEqual(['ask', 'two days', 'remind', 'approval', 'pay']);
});

test('advanceTime() ends a timeout, and a signal before the wait is kept', async () => {
  const store = fakeMode();
  const done = registered(store);
  const [late, early] = [await new Client().enqueue(payout, ['late']), await new Client().enqueue(payout, ['early'])];
  expect(new SyncClient().signal(early, approval, { approved: false }, { id: 's-1' })).toBe('kept');
  expect(new SyncClient().signal(early, approval, { approved: false }, { id: 's-1' })).toBe('repeated');
  await drain();
  expect((await early.refresh()).result).toBe('rejected');
  for (const by of ['2d', '5d'] as const) {
    store.advanceTime(by);
    expect(await drain()).toBe(1);
  }
  expect((await late.refresh()).result).toBe('expired');
  expect(done).toEqual(['ask', 'ask', 'remind']);
  await expect(store.signal(late, approval, yes)).rejects.toMatchObject({ name: 'JobEndedError' });
});

test('in inline mode a wait leaves the job suspended, and a signal runs it to its end', async () => {
  const store = inlineMode();
  const done = registered(store);
  const job = await new Client().enqueue(payout, ['p-1']);
  expect((await job.refresh()).state).toBe('retryable');
  expect(done).toEqual(['ask', 'remind']);
  expect(await store.signal(job, approval, yes)).toBe('woken');
  expect((await job.refresh()).result).toBe('paid');
  expect(done).toEqual(['ask', 'remind', 'pay']);
});

test('in inline mode a job that signals itself goes on', async () => {
  const store = inlineMode();
  store.registerHandler('test.job', async (ctx) => {
    await ctx.step('send', () => new Client().signalToken('mine', 7).then(() => {}));
    return await ctx.wait('mine', { token: 'mine' });
  });
  const job = await new Client().enqueue('test.job', []);
  expect((await job.refresh()).result).toBe(7);
});

test('perform() takes the signals from its options, and throws at a wait without one', async () => {
  const done = registered(fakeMode());
  expect(await perform(payout, ['p-1'], { signals: { approval: yes } })).toBe('paid');
  expect(await perform(payout, ['p-2'], { signals: { approval: undefined } })).toBe('expired');
  await expect(perform(payout, ['p-3'])).rejects.toThrow(
    'The handler waits for the signal "approval" in the step "approval", and perform() has no payload for it. ' +
      'Pass perform(job, args, { signals: { "approval": … } }).',
  );
  expect(done.filter((effect) => effect === 'pay')).toHaveLength(1);
});
