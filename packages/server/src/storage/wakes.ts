import type { Wake } from './storage.ts';

export type Listener = (wakes: readonly Wake[]) => void;

/** Tells subscribers which queues have news: later, never inside the operation that made them, and once a turn of the event loop. */
export class Wakes {
  readonly #listeners = new Set<Listener>();
  readonly #queues = new Set<string | null>();
  #due: NodeJS.Immediate | undefined;

  get heard(): boolean {
    return this.#listeners.size > 0;
  }

  wake(queue: string | null): void {
    if (!this.heard) return;
    this.#queues.add(queue);
    this.#due ??= setImmediate(() => this.#deliver());
  }

  subscribe(listener: Listener): AsyncDisposable {
    // Wrapped, so that one function subscribed twice is two subscriptions.
    const own: Listener = (wakes) => listener(wakes);
    this.#listeners.add(own);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#listeners.delete(own);
      },
    };
  }

  close(): void {
    clearImmediate(this.#due);
    this.#listeners.clear();
  }

  #deliver(): void {
    this.#due = undefined;
    const wakes = [...this.#queues].map((queue) => ({ queue }));
    this.#queues.clear();
    for (const listener of this.#listeners) listener(wakes);
  }
}
