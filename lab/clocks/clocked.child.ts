/**
 * A worker process for the tests of clocks: `clocked.child.ts URL`. Each handler prints `start ID ATTEMPT TIME` and `end
 * ID ATTEMPT TIME`, by its own clock. Arguments of a job: how long it takes in milliseconds, and how many of its attempts
 * fail.
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

const say = (what: string, id: string, attempt: number) => console.log(`${what} ${id} ${attempt} ${Date.now()}`);

worker.register('clock.job', async (ctx) => {
  const [holdMs, failures] = ctx.args;
  say('start', ctx.jobId, ctx.attempt);
  ctx.signal.addEventListener('abort', () => say('aborted', ctx.jobId, ctx.attempt));
  await pause(Number(holdMs));
  say('end', ctx.jobId, ctx.attempt);
  if (ctx.attempt <= Number(failures)) throw new Error('As the test asks.');
});
worker.register('clock.tick', async (ctx) => say('tick', ctx.jobId, ctx.attempt));

worker.ready.then(() => console.log(`ready at ${Date.now()}`));
await worker.start();
