// A worker process: `worker.child.ts NAME URL HISTORY`. It stops in order when its input ends.
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from '@ojs-ts/sdk';
import { NodeTransport } from '../../../packages/sdk/src/transport/node.ts';
import { silent } from '../../simulation/src/nodes/silent.ts';
import { HistoryFile } from './history-file.ts';
import { type Order, queues, types } from './work.ts';

const [name = '', url = '', path = ''] = process.argv.slice(2);
const history = new HistoryFile(path, name);
history.record(NodeTransport.prototype);
const worker = new Worker(url, {
  queues,
  concurrency: 10,
  handleSignals: false,
  visibilityTimeout: '5s',
  heartbeatInterval: '1s',
  shutdownTimeout: '10s',
  logger: silent,
});
for (const type of types)
  worker.register(type, async ({ args: [order], attempt, jobId, signal }: { args: readonly Order[] } & Execution) => {
    await pause(order?.holdMs ?? 0, undefined, { signal });
    if (attempt <= (order?.failures ?? 0)) throw new Error('The job is to fail.');
    return { attempt, worker: name, job: jobId };
  });

interface Execution {
  readonly attempt: number;
  readonly jobId: string;
  readonly signal: AbortSignal;
}

process.stdin.on('end', () => {
  history.add('loss', { node: name });
  worker.stop().then(() => process.exit(0));
});
process.stdin.resume();
worker.ready.then(() => console.log('ready'));
await worker.start();
