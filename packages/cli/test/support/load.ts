import { setTimeout as pause } from 'node:timers/promises';
import { Client, Worker } from '@ojs-ts/sdk';

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A client that goes on trying for longer than any outage of the tests. */
export function patientClient(url: string): Client {
  return new Client(url, { timeout: '60s', requestRetry: { maxRetries: 200, maxBackoff: 500 }, logger: silent });
}

interface Run {
  readonly at: number;
  readonly lease: string;
  readonly worker: string;
}

/** What workers of this process did, by job: the record of the client's side. Times are of `performance.now()`. */
export class Runs {
  readonly starts = new Map<string, readonly Run[]>();
  /** Jobs that began while an execution of theirs was still under way. */
  readonly overlapping: string[] = [];
  /** When a job was last ended. */
  lastEnd = 0;
  readonly #running = new Set<string>();
  readonly #workers: Worker[] = [];
  readonly #ended: Promise<void>[] = [];

  /** Starts a worker with ten slots, whose jobs take 2 to 12 ms. */
  work(url: string, queue: string): void {
    const worker = new Worker(url, { queues: [queue], concurrency: 10, handleSignals: false, logger: silent });
    worker.register('load.job', async (ctx) => {
      const { x_lease: lease } = ctx.job.raw as { readonly x_lease?: string };
      this.#begin(ctx.jobId, { at: performance.now(), lease: lease ?? '', worker: worker.workerId });
      await pause(2 + Math.random() * 10);
      this.#running.delete(ctx.jobId);
      this.lastEnd = performance.now();
      return { number: ctx.args[0] };
    });
    this.#workers.push(worker);
    this.#ended.push(worker.start());
  }

  get twice(): readonly string[] {
    return [...this.starts].filter(([, runs]) => runs.length > 1).map(([id]) => id);
  }

  /** Leases that were handed out twice. */
  get repeatedLeases(): readonly string[] {
    return [...this.starts].flatMap(([id, runs]) => {
      const leases = runs.map(({ lease }) => lease);
      return leases.filter((lease, index) => leases.indexOf(lease) !== index).map((lease) => `${id} ${lease}`);
    });
  }

  /** The first start after a moment; null where there was none. */
  firstStartAfter(at: number): number | null {
    let first: number | null = null;
    for (const runs of this.starts.values())
      for (const run of runs) if (run.at > at && (first === null || run.at < first)) first = run.at;
    return first;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await Promise.all(this.#ended);
  }

  #begin(id: string, run: Run): void {
    if (this.#running.has(id)) this.overlapping.push(id);
    this.#running.add(id);
    this.starts.set(id, [...(this.starts.get(id) ?? []), run]);
  }
}

/** Enqueues `count` jobs from 16 callers, and notes what was acknowledged, and when. */
export async function produce(
  clients: readonly Client[],
  queue: string,
  count: number,
  acknowledged = new Map<string, number>(),
): Promise<ReadonlyMap<string, number>> {
  let next = 0;
  const caller = async (_: unknown, index: number) => {
    const client = clients[index % clients.length];
    while (client !== undefined && next < count) {
      const number = next++;
      const { id } = await client.enqueue('load.job', [number], { queue, retry: { maxAttempts: 20 } });
      acknowledged.set(id, performance.now());
      await pause(5);
    }
  };
  await Promise.all(Array.from({ length: 16 }, caller));
  return acknowledged;
}

/** Resolves when no job of the queue is left to do. */
export async function drained(client: Client, queue: string): Promise<void> {
  for (;;) {
    const { available, active, scheduled, retryable } = await client.queueStats(queue);
    if (available + active + scheduled + retryable === 0) return;
    await pause(100);
  }
}
