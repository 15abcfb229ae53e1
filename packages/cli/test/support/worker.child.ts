/**
 * A worker process for the kill tests: `worker.child.ts URL LOG HOLD_MS`. Each handler writes `start ID ATTEMPT` and
 * `end ID ATTEMPT` to the log before and after its work, so what ran is known whatever is killed. `aborted ID` is
 * printed when a handler's signal is aborted.
 */
import { appendFileSync } from 'node:fs';
import { Worker } from '@ojs-ts/sdk';

const [url = '', log = '', hold = '5'] = process.argv.slice(2);
const worker = new Worker(url, { queues: ['crash'], concurrency: 10, handleSignals: false });
const note = (line: string) => appendFileSync(log, `${line} ${process.pid}\n`);

worker.register('crash.job', async (ctx) => {
  note(`start ${ctx.jobId} ${ctx.attempt}`);
  ctx.signal.addEventListener('abort', () => console.log(`aborted ${ctx.jobId}`));
  await new Promise((done) => setTimeout(done, Number(hold)));
  note(`end ${ctx.jobId} ${ctx.attempt}`);
  return { attempt: ctx.attempt, pid: process.pid };
});

worker.ready.then(() => console.log('ready'));
await worker.start();
