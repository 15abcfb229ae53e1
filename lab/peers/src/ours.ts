import {
  Admin,
  Client,
  type EnqueueOptions,
  type Handler,
  type JobHandle,
  type JsonArray,
  type RetryPolicy,
  Worker,
  type WorkerOptions,
} from '@ojs-ts/sdk';
import { startServer } from '@ojs-ts/server';
import { until } from './wait.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A server of this project with a client, for one scenario. Its workers run one job at a time unless told otherwise. */
export interface Ours extends AsyncDisposable {
  readonly url: string;
  readonly storage: string;
  readonly client: Client;
  readonly admin: Admin;
  /** Enqueues a `peer.job` with one argument. */
  add(value: unknown, options?: EnqueueOptions): Promise<JobHandle>;
  /** Starts a worker for `peer.job`, or for the types that are given. */
  work(handlers: Handler | Readonly<Record<string, Handler>>, options?: WorkerOptions): Worker;
  /** Runs such a worker until nothing waits or runs. Scheduled jobs may be left. */
  drain(handlers?: Handler | Readonly<Record<string, Handler>>, options?: WorkerOptions): Promise<void>;
  state(id: string): Promise<string>;
  /** The pauses of a job that fails each time, in milliseconds. */
  pauses(retry: RetryPolicy, count: number): Promise<readonly unknown[]>;
}

export async function openOurs(storage: string): Promise<Ours> {
  await using opening = new AsyncDisposableStack();
  const server = opening.adopt(await startServer({ storage, port: 0, log: false }), (one) => one.close());
  const { url } = server;
  const client = opening.use(new Client(url, { logger: silent }));
  const admin = opening.use(new Admin(url, { logger: silent }));
  const kept = opening.move();

  function work(handlers: Handler | Readonly<Record<string, Handler>>, options: WorkerOptions = {}): Worker {
    const worker = new Worker(url, { concurrency: 1, handleSignals: false, logger: silent, ...options });
    const all = typeof handlers === 'function' ? { 'peer.job': handlers } : handlers;
    for (const [type, handler] of Object.entries(all)) worker.register(type, handler);
    const running = worker.start();
    kept.defer(async () => {
      await worker.stop({ timeout: 0 });
      await running;
    });
    return worker;
  }
  return {
    url,
    storage,
    client,
    admin,
    work,
    add: (value, options) => client.enqueue('peer.job', [value] as JsonArray, options),
    async drain(handlers = () => {}, options = {}) {
      const worker = work(handlers, options);
      await until(async () => {
        const all = await Promise.all((options.queues ?? ['default']).map((queue) => admin.queueStats(queue)));
        return all.every(({ available, active, retryable }) => available + active + retryable === 0);
      });
      await worker.stop();
    },
    state: async (id) => (await client.getJob(id)).state,
    async pauses(retry, count) {
      const { id } = await client.enqueue('peer.job', [], { retry: { ...retry, maxAttempts: count + 1 } });
      work(() => Promise.reject(new Error('no')));
      const pauses: unknown[] = [];
      for (let attempt = 1; attempt <= count; attempt++) {
        await until(async () => {
          const job = await client.getJob(id);
          return job.state === 'retryable' && job.attempt === attempt;
        });
        pauses.push((await client.getJob(id)).raw.retry_delay_ms);
        await admin.retryJob(id);
      }
      return pauses;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Every state: unlike the default of `unique`, ended jobs block too. */
export const everyState = [
  'available',
  'scheduled',
  'pending',
  'active',
  'retryable',
  'completed',
  'discarded',
  'cancelled',
] as const;
