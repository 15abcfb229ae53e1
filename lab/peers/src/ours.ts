import {
  Admin,
  Client,
  type EnqueueOptions,
  type Handler,
  type JobContext,
  type JobHandle,
  type JsonArray,
  type RetryPolicy,
  type UniquePolicy,
  Worker,
  type WorkerOptions,
} from '@ojs-ts/sdk';
import { startServer } from '@ojs-ts/server';
import { roomFor, until } from './wait.ts';

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

/** The states in which a job waits. */
export const queued = ['available', 'scheduled', 'pending', 'retryable'] as const;

/** The policy of the guides for a key, which is in `meta`. */
export const keyed = (more: Partial<UniquePolicy> = {}): EnqueueOptions => ({
  meta: { key: 'k' },
  unique: { keys: ['type', 'meta'], metaKeys: ['key'], onConflict: 'ignore', ...more },
});

/** A handler that notes its argument. */
export const recorder =
  (ran: unknown[]) =>
  ({ args: [value] }: JobContext) =>
    void ran.push(value);

/** Fails the attempt. Takes what `push` returns, so that a scenario notes it first. */
export const fail = (_noted?: unknown) => Promise.reject(new Error('no'));

/** Single jobs, a list, and one with priority. */
export async function inOrder(ours: Ours, ran: unknown[]): Promise<void> {
  await ours.add('one');
  await ours.client.enqueueBatch(['two', 'three'].map((value) => ({ type: 'peer.job', args: [value] })));
  await ours.add('urgent', { priority: 5 });
  await ours.drain(recorder(ran));
}

/** Adds `later` while the first job runs, then lets it end. With limits, a second slot proves that they hold jobs back. */
export async function whileOursRuns(
  ours: Ours,
  ran: unknown[],
  options: EnqueueOptions,
  [first, ...later]: readonly unknown[],
): Promise<void> {
  const [begun, ending] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await ours.add(first, options);
  const drained = ours.drain(
    async ({ args: [value] }) => {
      ran.push(value);
      begun.resolve();
      await ending.promise;
    },
    { concurrency: options.limits === undefined ? 1 : 2 },
  );
  await begun.promise;
  for (const value of later) await ours.add(value, options);
  ending.resolve();
  await drained;
}

/** The most at once of three jobs under one limit, on two workers of two slots. */
export async function mostOfOurs(ours: Ours): Promise<number> {
  const room = roomFor(1);
  for (const value of [1, 2, 3]) await ours.add(value, { limits: [{ key: 'k', concurrency: 1 }] });
  ours.work(() => room.enter(), { concurrency: 2 });
  await ours.drain(() => room.enter(), { concurrency: 2 });
  return room.most;
}

/** Stops a worker while its job runs. */
export async function stopOurs(ours: Ours, ran: unknown[]): Promise<void> {
  const begun = Promise.withResolvers<void>();
  await ours.add(0);
  const worker = ours.work(async () => {
    begun.resolve();
    await new Promise(setImmediate);
    ran.push('ended');
  });
  await begun.promise;
  await worker.stop();
  ran.push('stopped');
}
