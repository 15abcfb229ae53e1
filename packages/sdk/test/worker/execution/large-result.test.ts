import { startServer } from '@ojs-ts/server';
import { afterAll, expect, test } from 'vitest';
import { Client, Worker } from '../../../src/index.ts';
import { keepingLogger } from '../../support/log.ts';
import { openProxy } from '../../support/proxy.ts';

const server = await startServer({ storage: 'memory:', port: 0, log: false });
afterAll(() => server.close());

/** A result of so many characters, over HTTP. */
async function endOf(url: string, queue: string, length: number) {
  await using client = new Client(url);
  const logger = keepingLogger();
  const worker = new Worker(url, { queues: [queue], logger, handleSignals: false, heartbeatThread: false });
  let runs = 0;
  worker.register('large.job', () => {
    runs += 1;
    return 'x'.repeat(length);
  });
  const job = await client.enqueue('large.job', [], { queue, retry: { maxAttempts: 3 } });
  await worker.runUntil(() => job.wait().catch(() => {}));
  const { state, attempt, error } = await job.refresh();
  return { runs, state, attempt, type: error?.type, errors: logger.lines.filter(({ level }) => level === 'error') };
}

const refused = { runs: 1, state: 'discarded', attempt: 1, type: 'result_too_large', errors: [] };

test('1 MiB of JSON is the most that the server keeps', async () => {
  expect(await endOf(server.url, 'fits', 1_048_574)).toMatchObject({ runs: 1, state: 'completed', type: undefined });
  expect(await endOf(server.url, 'over', 1_048_575)).toEqual(refused);
});

// The server takes no request of more than 32 MiB, and may close before it has read it.
test('a result that no request can hold fails its job as well', async () => {
  expect(await endOf(server.url, 'huge', 40_000_000)).toEqual(refused);
});

test('large results are refused on a server without worker.exchange, too', async () => {
  await using proxy = await openProxy(server.url, (line) =>
    line.endsWith('/exchange') ? { status: 404, body: '' } : 'pass',
  );
  expect(await endOf(proxy.url, 'plain', 3_000_000)).toEqual(refused);
});
