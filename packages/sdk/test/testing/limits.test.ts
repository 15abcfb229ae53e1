import { expect, test } from 'vitest';
import { Admin, Client, group } from '../../src/index.ts';
import { allEnqueued, clearAll, drain, fakeMode, inlineMode } from '../../src/testing/index.ts';

const client = new Client('http://localhost:9');
const admin = new Admin('http://localhost:9');

const states = () => allEnqueued().map(({ state }) => state);

test('a rate limit holds jobs back until the time of the store allows their start', () =>
  fakeMode(async (store) => {
    store.registerHandler('mail.send', () => null);
    store.freezeTime('2026-01-01T00:00:00Z');
    const limits = [{ key: 'mail', rate: { limit: 2, period: '1m' } }] as const;
    for (const n of [1, 2, 3, 4, 5]) await client.enqueue('mail.send', [n], { limits });
    expect(await drain()).toBe(2);
    expect(await drain()).toBe(0);
    store.advanceTime('59s');
    expect(await drain()).toBe(0);
    store.advanceTime('1s');
    expect(await drain()).toBe(2);
    expect(states()).toEqual(['completed', 'completed', 'completed', 'completed', 'available']);
    expect(await drain({ withScheduled: true })).toBe(1);
  }));

test('jobs behind a limit do not hold back others, and those of another key run', () =>
  fakeMode(async (store) => {
    store.registerHandler('a.job', () => null);
    store.freezeTime('2026-01-01T00:00:00Z');
    const spaced = (key: string) => ({ limits: [{ key, spacing: '1s' }], priority: 10 }) as const;
    await client.enqueue('a.job', ['x', 1], spaced('x'));
    await client.enqueue('a.job', ['x', 2], spaced('x'));
    await client.enqueue('a.job', ['y', 1], spaced('y'));
    await client.enqueue('a.job', ['free']);
    expect(await drain()).toBe(3);
    expect(states()).toEqual(['completed', 'available', 'completed', 'completed']);
  }));

test('a limit of concurrency counts the job that runs, even for withScheduled', () =>
  fakeMode(async (store) => {
    const limits = [{ key: 'one', concurrency: 1 }];
    const inner: number[] = [];
    store.registerHandler('outer.job', async () => {
      await client.enqueue('inner.job', [], { limits });
      inner.push(await drain({ withScheduled: true }));
    });
    store.registerHandler('inner.job', () => null);
    await client.enqueue('outer.job', [], { limits });
    expect(await drain()).toBe(2);
    expect(inner).toEqual([0]);
  }));

test('inline mode runs a job whatever its limits', async () => {
  using store = inlineMode();
  store.registerHandler('a.job', () => null);
  for (const n of [1, 2]) await client.enqueue('a.job', [n], { limits: [{ key: 'k', spacing: '1h' }] });
  expect(states()).toEqual(['completed', 'completed']);
});

test('the statistics of a queue are those that a server keeps, and end with clearAll', () =>
  fakeMode(async (store) => {
    store.registerHandler('a.job', () => null);
    store.freezeTime('2026-01-01T00:00:10Z');
    await client.enqueue('a.job', []);
    store.advanceTime('2s');
    await drain();
    expect(await client.queueStats('default')).toMatchObject({ completedLastHour: 1, avgWaitMs: 2_000 });
    store.freezeTime('2026-01-01T02:00:00Z');
    expect(await client.queueStats('default')).toMatchObject({ completed: 1, completedLastHour: 0 });
    clearAll();
    store.freezeTime('2026-01-01T00:01:00Z');
    expect(await client.queueStats('default')).toMatchObject({ completed: 0, completedLastHour: 0, avgWaitMs: 0 });
  }));

test('the cancellation of a waiting step fails its group', () =>
  fakeMode(async (store) => {
    store.registerHandler('g.one', () => null);
    const flow = await client.workflow(
      group('pair', [
        { type: 'g.one', args: [1] },
        { type: 'g.two', args: [2] },
      ]),
    );
    const [, two] = allEnqueued();
    await admin.cancelJobs([two?.id ?? '']);
    await drain();
    expect(await client.getWorkflow(flow.id)).toMatchObject({ state: 'failed' });
  }));
