/**
 * Work under one key runs one after the other, in the order of the calls; work under other keys runs at the same time.
 */
export class KeyedMutex {
  /** The last work of each key that is waiting or running. */
  readonly #last = new Map<string, Promise<unknown>>();

  has(key: string): boolean {
    return this.#last.has(key);
  }

  /** Starts when all earlier work of the key has ended, also with an error. */
  async run<T>(key: string, work: () => T | Promise<T>): Promise<T> {
    const result = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const ended = result.catch(() => {});
    this.#last.set(key, ended);
    try {
      return await result;
    } finally {
      if (this.#last.get(key) === ended) this.#last.delete(key);
    }
  }
}
