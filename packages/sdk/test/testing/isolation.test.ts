import { expect, test } from 'vitest';
import { Client, chain } from '../../src/index.ts';
import {
  allEnqueued,
  assertEnqueued,
  assertJobState,
  clearAll,
  drain,
  fakeMode,
  refuteEnqueued,
  restore,
} from '../../src/testing/index.ts';

/** One for the whole file, as an application has it. */
const client = new Client('http://localhost:9', { requestRetry: false });

/** Calls of all tests are under way at the same time. */
function meeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let there = 0;
  return () => {
    there += 1;
    if (there === count) resolve();
    return promise;
  };
}

test('concurrent modes with one client have separate jobs', async () => {
  const meet = meeting(20);
  await Promise.all(
    Array.from({ length: 20 }, (_, number) =>
      fakeMode(async (store) => {
        store.registerHandler('a.job', () => number);
        await meet();
        const handles = await Promise.all([client.enqueue('a.job', [number]), client.enqueue('a.job', [number])]);
        assertEnqueued('a.job', { count: 2, args: [number] });
        expect(allEnqueued()).toHaveLength(2);
        const results = Promise.all(handles.map((handle) => handle.wait({ timeout: '10s' })));
        await new Promise((resolve) => setImmediate(resolve));
        expect(await drain()).toBe(2);
        expect(await results).toEqual([number, number]);
        for (const { id } of handles) assertJobState(id, 'completed');
      }),
    ),
  );
});

test('an inner mode hides the outer one until it ends; restore ends them all', async () => {
  fakeMode();
  await client.enqueue('outer.job', []);
  {
    using inner = fakeMode();
    inner.registerHandler('inner.job', () => null);
    refuteEnqueued('outer.job');
    await client.enqueue('inner.job', []);
    expect(await drain()).toBe(1);
  }
  assertEnqueued('outer.job');
  refuteEnqueued('inner.job');
  fakeMode();
  refuteEnqueued('outer.job');
  clearAll();
  restore();
  expect(() => allEnqueued()).toThrow('No test mode is on');
  await expect(client.enqueue('a.job', [])).rejects.toMatchObject({ name: 'OJSConnectionError' });
});

test('restore() in a context without a mode leaves other modes active', async () => {
  const { promise: restored, resolve } = Promise.withResolvers<void>();
  const outside = restored.then(() => restore());
  const other = (async () => {
    await null;
    using _ = fakeMode();
    await client.enqueue('a.job', []);
    resolve();
    await outside;
    assertEnqueued('a.job', { count: 1 });
  })();
  await other;
  expect(() => allEnqueued()).toThrow('No test mode is on');
});

test('body may be synchronous, and ends its mode when it throws', async () => {
  expect(fakeMode(() => allEnqueued())).toEqual([]);
  expect(() =>
    fakeMode(() => {
      throw new RangeError('no');
    }),
  ).toThrow(RangeError);
  await expect(fakeMode(async () => Promise.reject(new RangeError('later')))).rejects.toThrow(RangeError);
  expect(() => allEnqueued()).toThrow('No test mode is on');
});

test('code that runs on after its mode has ended calls the server', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let late: Promise<unknown> = Promise.resolve();
  fakeMode(() => {
    late = promise.then(() => client.enqueue('a.job', []));
  });
  resolve();
  await expect(late).rejects.toMatchObject({ name: 'OJSConnectionError' });
});

test('the manifest of the fake is not kept for the server', async () => {
  const own = new Client('http://localhost:9', { requestRetry: false });
  await fakeMode(() => own.workflow(chain('one', [{ type: 'a.job', args: [] }])));
  await expect(own.workflow(chain('one', [{ type: 'a.job', args: [] }]))).rejects.toMatchObject({
    operation: 'system.manifest',
  });
});
