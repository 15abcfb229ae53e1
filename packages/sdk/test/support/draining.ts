// A process with one worker for the tests of a drain under load: from the 21st that begins on they end after SIGUSR2.
// Says which job began and ended, a line each.
import { type JobContext, Worker } from '../../src/index.ts';

const url = process.argv[2];
const logger = { debug() {}, info() {}, warn() {}, error: (message: string) => console.log('error', message) };
const worker = new Worker(url, {
  concurrency: 10,
  prefetch: 5,
  heartbeatInterval: 200,
  shutdownTimeout: '20s',
  logger,
});
const { promise: released, resolve: release } = Promise.withResolvers<void>();
process.once('SIGUSR2', () => release());
let begun = 0;
worker.register('load.job', async ({ args: [n] }: JobContext<[number]>) => {
  console.log('began', n);
  // Not by its number: two answers to fetches can change places.
  begun += 1;
  const waits = begun > 20;
  await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 50));
  if (waits) await released;
  console.log('ended', n);
  return n;
});
await worker.start();
console.log('settled');
