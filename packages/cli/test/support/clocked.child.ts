/**
 * A worker process for the tests of clocks: `clocked.child.ts URL`. Each handler prints `start ID ATTEMPT` and `end ID
 * ATTEMPT`, so that the test's own clock tells when. Arguments of a job: how long it takes in milliseconds, and how
 * many of its attempts fail.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from '@ojs-ts/sdk';

const [url = ''] = process.argv.slice(2);
const worker = new Worker(url, {
  queues: ['clock'],
  concurrency: 10,
  handleSignals: false,
  visibilityTimeout: '10s',
  heartbeatInterval: '2s',
});

worker.register('clock.job', async (ctx) => {
  const [holdMs, failures] = ctx.args;
  console.log(`start ${ctx.jobId} ${ctx.attempt}`);
  ctx.signal.addEventListener('abort', () => console.log(`aborted ${ctx.jobId} ${ctx.attempt}`));
  await pause(Number(holdMs));
  console.log(`end ${ctx.jobId} ${ctx.attempt}`);
  if (ctx.attempt <= Number(failures)) throw new Error('As the test asks.');
});
worker.register('clock.tick', async (ctx) => {
  console.log(`tick ${ctx.jobId} ${ctx.attempt}`);
});

worker.ready.then(() => console.log(`ready at ${Date.now()}`));
await worker.start();
