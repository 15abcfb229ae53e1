/** Fetches that wait for a job, by queue. A wake-up is a hint: the fetch claims again and may wait again. */
export class Waiters {
  readonly #byQueue = new Map<string, Set<Waiter>>();

  /** Registers before the claim, so that a job that arrives between claim and wait is not missed. */
  add(queues: readonly string[], worker: string | null = null): Waiter {
    const waiter = new Waiter(queues, () => this.#remove(waiter), worker);
    for (const queue of queues) {
      let set = this.#byQueue.get(queue);
      if (set === undefined) {
        set = new Set();
        this.#byQueue.set(queue, set);
      }
      set.add(waiter);
    }
    return waiter;
  }

  /** Wakes all waiters of the queue, or of all queues for null. */
  wake(queue: string | null): void {
    if (queue !== null) {
      for (const waiter of this.#byQueue.get(queue) ?? []) waiter.wake();
    } else {
      for (const set of this.#byQueue.values()) for (const waiter of set) waiter.wake();
    }
  }

  /** The worker has ended: its fetches must claim nothing more. */
  end(worker: string): void {
    for (const set of this.#byQueue.values()) for (const waiter of set) if (waiter.worker === worker) waiter.end();
  }

  get size(): number {
    const all = new Set<Waiter>();
    for (const set of this.#byQueue.values()) for (const waiter of set) all.add(waiter);
    return all.size;
  }

  #remove(waiter: Waiter): void {
    for (const queue of waiter.queues) {
      const set = this.#byQueue.get(queue);
      set?.delete(waiter);
      if (set?.size === 0) this.#byQueue.delete(queue);
    }
  }
}

export class Waiter implements Disposable {
  readonly queues: readonly string[];
  readonly worker: string | null;
  readonly #leave: () => void;
  #isOver = false;
  #woken = false;
  #resolve: (() => void) | null = null;

  constructor(queues: readonly string[], leave: () => void, worker: string | null = null) {
    this.queues = queues;
    this.worker = worker;
    this.#leave = leave;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
    this.wake();
  }

  wake(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  /** Resolves at a wake-up since the last call, after `ms`, or when the signal is aborted; true for a wake-up. */
  async wait(ms: number, signal?: AbortSignal): Promise<boolean> {
    if (!this.#woken && !signal?.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        signal?.addEventListener('abort', done, { once: true });
        this.#resolve = done;
      });
      this.#resolve = null;
    }
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }

  [Symbol.dispose](): void {
    this.#leave();
  }
}
