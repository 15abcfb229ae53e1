import type { Wake } from './storage.ts';

export type Listener = (wakes: readonly Wake[]) => void;

/**
 * Reports changes to subscribers: later, never inside the operation that made them, and each one once an iteration of
 * the event loop.
 */
export class Wakes {
  readonly #listeners = new Set<Listener>();
  readonly #queues = new Set<string | null>();
  #logged = false;
  #inbox = false;
  #due: NodeJS.Immediate | undefined;

  get heard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Jobs became available in the queue, or slots that its jobs wait for were freed. */
  wake(queue: string | null): void {
    if (!this.heard) return;
    this.#queues.add(queue);
    this.#due ??= setImmediate(() => this.#deliver());
  }

  /** The log has grown. */
  logged(): void {
    if (!this.heard) return;
    this.#logged = true;
    this.#due ??= setImmediate(() => this.#deliver());
  }

  /** The inbox has a new row. */
  received(): void {
    if (!this.heard) return;
    this.#inbox = true;
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
    const wakes = [...this.#queues].map((queue): Wake => ({ kind: 'queue', queue }));
    if (this.#logged) wakes.push({ kind: 'events' });
    if (this.#inbox) wakes.push({ kind: 'inbox' });
    this.#queues.clear();
    this.#logged = false;
    this.#inbox = false;
    for (const listener of this.#listeners) listener(wakes);
  }
}
