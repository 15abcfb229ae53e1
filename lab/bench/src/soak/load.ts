// A child process: a producer at a steady rate, or a worker, until it is told to stop.
import { Client, Worker } from '@ojs-ts/sdk';
import { jobType, queue, requestOf } from '../payload.ts';

export type Role =
  | { readonly kind: 'producer'; readonly url: string; readonly perSecond: number }
  | { readonly kind: 'worker'; readonly url: string };

/** Jobs that have been answered, or handled. `failed`: enqueues that were refused or had no answer. */
export interface Progress {
  readonly done: number;
  readonly failed: number;
}

const tickMs = 20;
/** A server that does not keep up is not drowned: what it cannot take is enqueued later. */
const maxInFlight = 1_000;

function produce(
  url: string,
  perSecond: number,
): { readonly progress: () => Progress; readonly stop: () => Promise<void> } {
  const client = new Client(url);
  const from = performance.now();
  let sent = 0;
  let done = 0;
  let failed = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - from) / 1_000) * perSecond);
    while (sent < due && sent - done - failed < maxInFlight) {
      const { type, args, ...options } = requestOf(sent++);
      client.enqueue(type, args, options).then(
        () => done++,
        () => failed++,
      );
    }
  }, tickMs);
  return {
    progress: () => ({ done, failed }),
    async stop() {
      clearInterval(timer);
      await client.close();
    },
  };
}

function work(url: string): { readonly progress: () => Progress; readonly stop: () => Promise<void> } {
  const worker = new Worker(url, { queues: [queue], concurrency: 50, handleSignals: false });
  let done = 0;
  worker.register(jobType, () => {
    done++;
  });
  const running = worker.start();
  return {
    progress: () => ({ done, failed: 0 }),
    async stop() {
      await worker.stop();
      await running;
    },
  };
}

process.once('message', (role: Role) => {
  const load = role.kind === 'producer' ? produce(role.url, role.perSecond) : work(role.url);
  process.on('message', (message) => {
    if (message === 'progress') process.send?.(load.progress());
    else if (message === 'stop') load.stop().finally(() => process.exit());
  });
});
process.send?.('ready');
