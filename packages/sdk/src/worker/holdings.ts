import type { Held } from './held.ts';

/** The jobs whose lease is ours, by id: what heartbeats list. A job stays until the server has answered its outcome. */
export class Holdings {
  readonly #jobs = new Map<string, Held>();
  #watchers: (() => void)[] = [];

  get size(): number {
    return this.#jobs.size;
  }

  [Symbol.iterator](): Iterator<Held> {
    return this.#jobs.values();
  }

  get(id: string): Held | undefined {
    return this.#jobs.get(id);
  }

  add(held: Held): void {
    this.#jobs.set(held.id, held);
  }

  /** Another claim of the same job may stand here by now. */
  has(held: Held): boolean {
    return this.#jobs.get(held.id) === held;
  }

  remove(held: Held): void {
    if (this.has(held)) this.#jobs.delete(held.id);
  }

  /** Something may have become true that somebody waits for. */
  changed(): void {
    if (this.#watchers.length === 0) return;
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }

  /** Resolves once `done` holds, which is asked after every change, or when `stop` resolves. Answers what `done` says then. */
  async until(done: () => boolean, stop: Promise<void>): Promise<boolean> {
    let stopped = false;
    const end = stop.then(() => {
      stopped = true;
    });
    while (!done() && !stopped) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.push(resolve);
      await Promise.race([promise, end]);
    }
    return done();
  }
}
