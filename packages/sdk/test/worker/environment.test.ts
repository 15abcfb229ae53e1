import { afterEach, beforeEach, expect, test } from 'vitest';
import { OJSValidationError, Worker } from '../../src/index.ts';
import { readWorkerOptions } from '../../src/worker/options.ts';
import { type Bench, openBench } from '../support/bench.ts';

const names = ['OJS_QUEUE', 'OJS_CONCURRENCY', 'OJS_SHUTDOWN_TIMEOUT', 'OJS_BACKEND_URL', 'OJS_LOG_LEVEL'];
let bench: Bench;
let before: (string | undefined)[];
beforeEach(async () => {
  before = names.map((name) => process.env[name]);
  bench = await openBench();
});
afterEach(async () => {
  for (const [index, name] of names.entries()) {
    if (before[index] === undefined) delete process.env[name];
    else process.env[name] = before[index];
  }
  await bench[Symbol.asyncDispose]();
});

test('a worker reads the environment below its code and above the defaults', () => {
  expect(readWorkerOptions({})).toMatchObject({
    queues: ['default'],
    concurrency: 10,
    shutdownMs: 25_000,
    prefetch: 1_500,
    paced: true,
    watchdogMs: 60_000,
  });
  Object.assign(process.env, { OJS_QUEUE: 'mail', OJS_CONCURRENCY: '3', OJS_SHUTDOWN_TIMEOUT: '1.5' });
  expect(readWorkerOptions({})).toMatchObject({ queues: ['mail'], concurrency: 3, shutdownMs: 1_500 });
  const code = { queues: ['other'], concurrency: 4, shutdownTimeout: '2s' } as const;
  expect(readWorkerOptions({ ...code, queues: [...code.queues] })).toMatchObject({
    queues: ['other'],
    concurrency: 4,
    shutdownMs: 2_000,
  });
});

test.each([
  ['OJS_CONCURRENCY', 'many'],
  ['OJS_SHUTDOWN_TIMEOUT', '-1'],
  ['OJS_QUEUE', 'No Queue'],
  ['OJS_BACKEND_URL', 'localhost:8080'],
])('%s=%s is refused with what was expected', (name, value) => {
  process.env[name] = value;
  expect(() => new Worker()).toThrow(OJSValidationError);
});

test('several workers of one process work side by side on the queue that the environment names', async () => {
  process.env.OJS_QUEUE = 'shared';
  const jobs = await bench.client.enqueueBatch(
    Array.from({ length: 30 }, (_, n) => ({ type: 'test.job', args: [n], queue: 'shared' })),
  );
  const took = new Map<string, number>();
  const workers = [1, 2, 3].map(() => {
    const worker = bench.worker({ concurrency: 2 });
    return worker.register('test.job', async () => {
      took.set(worker.workerId, (took.get(worker.workerId) ?? 0) + 1);
      await new Promise((resolve) => setImmediate(resolve));
    });
  });
  const running = workers.map((worker) => worker.start());
  await Promise.all(jobs.map((job) => job.wait()));
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all(running);
  expect([...took.values()].reduce((sum, count) => sum + count, 0)).toBe(30);
  expect(took.size).toBeGreaterThan(1);
});
