import { Worker } from 'node:worker_threads';
import type {
  HeartbeatListener,
  HeartbeatOrder,
  HeartbeatPlan,
  HeartbeatReport,
  HeartbeatThread,
} from '../../worker/leases/heartbeat-thread.ts';
import { threadProgram } from './thread-program.ts';

const program = threadProgram('heartbeat-thread', import.meta.url);

/** The thread of this process, or of a thread of it that has workers, while a worker needs it. */
let current: ProcessThread | null = null;

/**
 * Has a worker's heartbeats sent by the thread of this process. All workers share it: a thread takes about 17 MiB, and
 * many programs have a worker for each queue. It never keeps the process alive.
 */
export function startHeartbeats(plan: HeartbeatPlan, listener: HeartbeatListener): HeartbeatThread {
  current ??= new ProcessThread();
  return current.add(plan, listener);
}

class ProcessThread {
  // Without flags of the process such as --inspect or --cpu-prof.
  readonly #thread = new Worker(program, { name: 'ojs-heartbeat', execArgv: [] });
  readonly #listeners = new Map<number, HeartbeatListener>();
  readonly #stopping = new Map<number, () => void>();
  #added = 0;

  constructor() {
    this.#thread.on('message', (report) => this.#hear(report));
    this.#thread.once('error', (error) => this.#end(error));
    this.#thread.once('exit', (code) => this.#end(new Error(`The thread ended with ${code}.`)));
    this.#thread.unref();
  }

  add(plan: HeartbeatPlan, listener: HeartbeatListener): HeartbeatThread {
    const worker = this.#added++;
    this.#order({ kind: 'start', worker, plan });
    this.#listeners.set(worker, listener);
    return { stop: () => this.#remove(worker) };
  }

  async #remove(worker: number): Promise<void> {
    if (!this.#listeners.delete(worker)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopping.set(worker, resolve);
    this.#thread.ref();
    this.#order({ kind: 'stop', worker });
    await promise;
    if (this.#stopping.size === 0 && this.#listeners.size > 0) this.#thread.unref();
    await this.#endUnused();
  }

  async #endUnused(): Promise<void> {
    if (this.#listeners.size > 0 || this.#stopping.size > 0) return;
    this.#leave();
    await this.#thread.terminate();
  }

  #hear({ worker, news }: HeartbeatReport): void {
    if (news.kind === 'stopped') {
      this.#stopping.get(worker)?.();
      this.#stopping.delete(worker);
    } else if (news.kind === 'refused') {
      this.#listeners.get(worker)?.gone(news.error);
      this.#listeners.delete(worker);
      void this.#endUnused();
    } else this.#listeners.get(worker)?.news(news);
  }

  #order(order: HeartbeatOrder): void {
    this.#thread.postMessage(order);
  }

  /** The next worker starts another thread. */
  #leave(): void {
    if (current === this) current = null;
  }

  #end(error: unknown): void {
    this.#leave();
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.gone(error);
    for (const resolve of this.#stopping.values()) resolve();
    this.#stopping.clear();
  }
}
