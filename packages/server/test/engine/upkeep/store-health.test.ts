import { join } from 'node:path';
import { State } from '@ojs-ts/core/job';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Documents } from '../../../src/engine/documents.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import { StoreUnavailable } from '../../../src/storage/unavailable.ts';
import { temporaryDirectory } from '../../storage/sqlite/temporary.ts';
import { serveClocked } from '../../support/clocked.ts';
import { bench } from '../../support/engine.ts';
import { call } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

/** Seconds that only the test lets pass. */
function stopwatch() {
  let now = performance.now();
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(() => spy.mockRestore());
  return (seconds: number) => {
    now += seconds * 1_000;
  };
}

test('a store without room: health and enqueue say so, and it is noticed when there is room', async () => {
  const storage = sqliteStorage({ path: join(temporaryDirectory(), 'jobs.db'), maxPages: 150 });
  await using served = await serveClocked('sqlite:', { storage });
  const health = () => call<{ readonly checks: object }>(served.url, '/health', undefined, { method: 'GET' });
  const enqueue = () => call<object>(served.url, '/jobs', { type: 't', args: ['x'.repeat(20_000)] });
  expect(await health()).toMatchObject({ status: 200, body: { status: 'ok', checks: { writes: { status: 'pass' } } } });
  let refused = await enqueue();
  while (refused.status === 201) refused = await enqueue();
  expect(refused).toMatchObject({
    status: 503,
    body: {
      error: {
        message: 'The store takes no writes: its disk or its memory is full.',
        retryable: true,
        details: { reason: 'full' },
      },
    },
  });
  const message = expect.stringMatching(/jobs\.db cannot grow: the disk is full/);
  const since = new Date(served.bench.clock.now()).toISOString();
  const writes = { status: 'fail', reason: 'full', message, since };
  expect(await health()).toMatchObject({ status: 503, body: { status: 'degraded', checks: { writes } } });

  const pass = stopwatch();
  const { items } = await storage.jobs.list({ states: 0xff, limit: 1 });
  await storage.jobs.remove(
    items.map(({ id }) => id),
    { from: State.available },
    0,
  );
  // The small probe may fit where a large job does not: the refusal stands for three seconds.
  pass(1.5);
  await served.bench.engine.storeHealth.probe();
  expect(await health()).toMatchObject({ status: 503 });
  pass(2);
  await served.bench.engine.storeHealth.probe();
  expect(await health()).toMatchObject({ status: 200, body: { status: 'ok', checks: { writes: { status: 'pass' } } } });
});

test('a store that does not answer takes no writes, since the first sign of it', async () => {
  const own = memoryStorage();
  let away = false;
  const ping = (): Promise<void> => (away ? Promise.reject(new StoreUnavailable('no route')) : own.ping());
  await using served = await serveClocked('memory:', { storage: { ...own, ping } });
  const writes = async (): Promise<unknown> => {
    const { body } = await call<{ readonly checks: { readonly writes: object } }>(served.url, '/health', undefined, {
      method: 'GET',
    });
    return body.checks.writes;
  };
  expect(await writes()).toEqual({ status: 'pass' });
  away = true;
  const since = new Date(served.bench.clock.now()).toISOString();
  const refused = { status: 'fail', reason: 'unreachable', message: 'The storage does not answer.', since };
  expect(await writes()).toEqual(refused);
  served.bench.clock.advance(5_000);
  expect(await writes()).toEqual(refused);
  away = false;
  expect(await writes()).toEqual({ status: 'pass' });
});

test('a write that nobody finishes is a refusal: health says so, and passes once it has ended', async () => {
  await using served = await serveClocked('memory:');
  const { engine } = served.bench;
  const health = () => call<object>(served.url, '/health', undefined, { method: 'GET' });
  const pass = stopwatch();
  const { promise: standbyIsBack, resolve } = Promise.withResolvers<void>();
  const probe = vi.spyOn(engine.storage, 'probe').mockImplementation(() => standbyIsBack);
  pass(11);
  await engine.storeHealth.probe(50);
  const writes = { status: 'fail', reason: 'timeout', message: 'A small write has not been committed within 0.05 s.' };
  expect(await health()).toMatchObject({ status: 503, body: { status: 'degraded', checks: { writes } } });
  pass(20);
  await engine.storeHealth.probe(50);
  // The first one is still under way.
  expect(probe).toHaveBeenCalledTimes(1);
  resolve();
  await vi.waitFor(async () => {
    pass(4);
    await engine.storeHealth.probe(10_000);
    expect(await health()).toMatchObject({ status: 200 });
  });
});

test('a store that has moved to another server is told once, and health has the time', async () => {
  await using served = await serveClocked('memory:');
  const { engine } = served.bench;
  const at = Date.parse('2026-03-01T10:00:00Z');
  Object.assign(engine.storage, { lastMove: () => ({ from: 'a:1', to: 'b:2', at }) });
  await engine.storeHealth.probe();
  await engine.storeHealth.probe();
  const health = await call<object>(served.url, '/health', undefined, { method: 'GET' });
  expect(health).toMatchObject({ status: 200, body: { backend: { moved_at: '2026-03-01T10:00:00.000Z' } } });
});

describe.each(storages)('the probe, $name', ({ url }) => {
  test('succeeds, may be repeated, and leaves nothing behind', async () => {
    await using b = await bench(url());
    const { storage } = b.engine;
    await storage.probe();
    await storage.probe();
    expect(await new Documents(storage.records).list('probe')).toEqual([]);
    expect(await storage.events(0, 9)).toMatchObject({ newest: 0 });
  });
});
