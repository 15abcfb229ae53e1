import { expect, test, vi } from 'vitest';
import { bench } from '../../support/engine.ts';

test('the store is read once for all who ask at the same time, and for those within a second', async () => {
  await using b = await bench('memory:');
  const { storeReadings, storage } = b.engine;
  const read = vi.spyOn(storage.registry, 'queues');
  const [one, other] = await Promise.all([storeReadings.latest(), storeReadings.latest()]);
  expect(other).toBe(one);
  b.clock.advance(999);
  expect(await storeReadings.latest()).toBe(one);
  expect(read).toHaveBeenCalledTimes(1);
  b.clock.advance(1);
  await b.push();
  read.mockClear();
  expect(await storeReadings.latest()).toMatchObject({ queues: [{ name: 'q' }] });
  expect(read).toHaveBeenCalledTimes(1);
});

test('a reading that takes long serves whoever asks meanwhile; after a failure there is a new one', async () => {
  await using b = await bench('memory:');
  const { storeReadings, storage } = b.engine;
  const { promise, reject } = Promise.withResolvers<never>();
  const read = vi.spyOn(storage.registry, 'queues').mockReturnValueOnce(promise);
  const first = storeReadings.latest();
  b.clock.advance(60_000);
  const second = storeReadings.latest();
  expect(read).toHaveBeenCalledTimes(1);
  reject(new Error('away'));
  expect(await Promise.all([first, second])).toEqual([null, null]);
  expect(await storeReadings.latest()).toMatchObject({ queues: [] });
});

test('a worker that is quiet, silent or elsewhere reads no queue', async () => {
  await using b = await bench('memory:');
  const beat = (worker: string, state: 'running' | 'quiet', queues: unknown) =>
    b.engine.protocol.beat({ worker, holds: null, leaseMs: null, state, info: JSON.stringify({ queues }) });
  await beat('dead', 'running', ['q']);
  b.clock.advance(60_000);
  await beat('one', 'running', ['q', 'q', 'other']);
  await beat('two', 'running', ['q']);
  await beat('quiet', 'quiet', ['q']);
  await beat('nameless', 'running', 'q');
  await b.fetch({ worker: 'fetching', queues: ['third'] });
  const reading = await b.engine.storeReadings.latest();
  expect(reading?.workersByState).toEqual({ running: 4, quiet: 1, terminate: 0, stale: 1 });
  expect([...(reading?.readers ?? [])].toSorted()).toEqual([
    ['other', 1],
    ['q', 2],
    ['third', 1],
  ]);
});
