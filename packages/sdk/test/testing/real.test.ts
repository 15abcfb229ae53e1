import { expect, test } from 'vitest';
import { batch, Client, chain, Worker } from '../../src/index.ts';
import {
  allEnqueued,
  assertCompleted,
  assertEnqueued,
  assertFailed,
  assertJobState,
  assertPerformed,
  assertWorkflowCreated,
  clearAll,
  drain,
  type FakeStore,
  fakeMode,
  perform,
  realMode,
  refuteEnqueued,
  refutePerformed,
  restore,
} from '../../src/testing/index.ts';

const step = (type: string) => ({ type, args: [type] });

/** Enqueues and drains, whatever the mode; answers what can be seen of the jobs. */
async function script(store: FakeStore, client: Client): Promise<readonly object[]> {
  store
    .registerHandler('a.job', ({ args }) => ({ got: args }))
    .registerHandler('w.step', ({ parentResults, workflowId }) => [parentResults.length, typeof workflowId])
    .registerHandler('broken.job', () => {
      throw new RangeError('broken');
    });
  const unique = { keys: ['type', 'args'], onConflict: 'ignore' } as const;
  await client.enqueue('a.job', [1], { unique });
  await client.enqueue('a.job', [1], { unique });
  await client.enqueue('a.job', ['later'], { delay: '1h' });
  await client.enqueue('broken.job', [], { retry: { maxAttempts: 1, onExhaustion: 'dead_letter' } });
  await client.enqueue('broken.job', [], { retry: { initialInterval: '1h' }, queue: 'other' });
  await client.workflow(chain('pipeline', [step('w.step'), step('w.step')]));
  await client.workflow(
    batch('bulk', [step('w.step'), { ...step('broken.job'), retry: { maxAttempts: 1 } }], {
      onComplete: step('w.step'),
    }),
  );
  assertEnqueued('a.job', { count: 2 });
  assertWorkflowCreated('chain', { name: 'pipeline', stepCount: 2, stepTypes: ['w.step', 'w.step'] });
  refutePerformed('a.job');
  await drain();
  assertPerformed('a.job', { count: 1 });
  assertCompleted('w.step', { count: 4 });
  assertFailed('broken.job', { count: 3 });
  return allEnqueued()
    .map(({ type, state, queue, result, attempt, error }) => ({
      type,
      state,
      queue,
      result,
      attempt,
      error: error?.message,
      code: error?.type,
    }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

test('one script passes on a real server, on SQLite and with a fake', async () => {
  const faked = await fakeMode((store) => script(store, new Client('http://localhost:9')));
  expect(faked).toHaveLength(9);
  for (const storage of ['memory:', 'sqlite:']) {
    await using store = await realMode({ storage });
    await using client = new Client(store.url);
    expect(await script(store, client)).toEqual(faked);
    clearAll();
    refuteEnqueued('a.job');
  }
});

test('drain() waits for a worker of the test; maxJobs and timeout limit the wait', async () => {
  await using store = await realMode();
  await using client = new Client(store.url);
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  await using worker = new Worker(store.url, { handleSignals: false, heartbeatThread: false }).register(
    'slow.job',
    () => opened,
  );
  const running = worker.start();
  const job = await client.enqueue('slow.job', []);
  await expect(drain({ timeout: 50 })).rejects.toThrow(/drain\(\) did not end within 50 ms: 0 done, 1 slow\.job left/);
  const drained = drain();
  open();
  expect(await drained).toBe(1);
  assertJobState(job.id, 'completed');
  await worker.stop();
  await running;

  store.registerHandler('a.job', () => null);
  for (const number of [1, 2, 3]) await client.enqueue('a.job', [number]);
  expect(await drain({ maxJobs: 2 })).toBe(2);
  assertCompleted('a.job', { count: 2 });
  expect(await drain()).toBe(1);
});

test('real mode has failNext, failAll and perform(), and refuses to change time', async () => {
  await using store = await realMode();
  await using client = new Client(store.url);
  store.registerHandler('a.job', ({ args }) => args[0]).failNext('a.job', new TypeError('asked'));
  const job = await client.enqueue('a.job', ['x'], { retry: { initialInterval: '1ms', jitter: false } });
  expect(await drain({ withScheduled: true })).toBe(2);
  expect(await job.refresh()).toMatchObject({ state: 'completed', attempt: 2, errors: [{ message: 'asked' }] });
  expect(await perform('a.job', ['y'])).toBe('y');
  expect(() => store.freezeTime('2026-01-01T00:00:00Z')).toThrow(/A real server keeps the time of its machine/);
  expect(() => store.advanceTime('1h')).toThrow(/A real server keeps the time of its machine/);
});

test('real mode inside fake mode uses the network; restore() stops the server', async () => {
  fakeMode();
  const store = await realMode();
  const { url } = store;
  const client = new Client(url, { requestRetry: false });
  await client.enqueue('a.job', []);
  expect((await client.manifest()).backend).toBe('memory');
  assertEnqueued('a.job');
  restore();
  await store[Symbol.asyncDispose]();
  await expect(client.enqueue('a.job', [])).rejects.toMatchObject({ name: 'OJSConnectionError' });
  await client.close();
});
