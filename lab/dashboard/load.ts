// A producer and a worker: `node load.ts URL JOBS_A_SECOND`, until the process gets SIGTERM or its standard input ends.
import { setTimeout } from 'node:timers/promises';
import { Client, Worker } from '@ojs-ts/sdk';

const [url = '', rate = '1700'] = process.argv.slice(2);
const stepMs = 50;
const batch = Math.ceil((Number(rate) * stepMs) / 1_000);
const ended = new AbortController();
process.once('SIGTERM', () => ended.abort());
process.stdin.once('end', () => ended.abort()).resume();

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const client = new Client(url);
const worker = new Worker(url, {
  queues: ['load'],
  concurrency: 200,
  shutdownTimeout: '50ms',
  handleSignals: false,
  logger: quiet,
});
for (const type of ['load.mail', 'load.invoice', 'load.image']) worker.register(type, async ({ args }) => ({ args }));
const running = worker.start();
await worker.ready;
for (let at = performance.now(), index = 0; !ended.signal.aborted; at += stepMs) {
  const type = (['load.mail', 'load.invoice', 'load.image'] as const)[index++ % 3] ?? 'load.mail';
  const requests = Array.from({ length: batch }, (_, one) => ({
    type,
    args: [index, one, 'somebody@example.com'],
    queue: 'load',
    meta: { tenant: `tenant-${one % 7}` },
  }));
  await client.enqueueBatch(requests);
  await setTimeout(Math.max(0, at + stepMs - performance.now()));
  // A machine that cannot keep the rate is not made to catch up.
  at = Math.max(at, performance.now() - stepMs);
}
await worker.stop();
await running;
await client.close();
