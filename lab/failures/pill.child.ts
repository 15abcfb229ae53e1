/**
 * A worker process for the test of poison pills: `pill.child.ts URL`. Each handler prints `start ID`. Arguments of a
 * job: how long it takes in milliseconds, and whether it ends the process at once.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from '@ojs-ts/sdk';

const [url = ''] = process.argv.slice(2);
const worker = new Worker(url, {
  queues: ['pills'],
  concurrency: 8,
  handleSignals: false,
  visibilityTimeout: '5s',
  heartbeatInterval: '1s',
});

worker.register('pill.job', async (ctx) => {
  const [holdMs, isPill] = ctx.args;
  process.stdout.write(`start ${ctx.jobId}\n`, () => {
    if (isPill === true) process.kill(process.pid, 'SIGKILL');
  });
  await pause(isPill === true ? 60_000 : Number(holdMs));
});

worker.ready.then(() => console.log('ready'));
await worker.start();
