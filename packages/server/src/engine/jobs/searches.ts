import { ProtocolError } from '@ojs-ts/core';
import { KeyedMutex } from '../keyed-mutex.ts';

/** Each takes up to a second, so the last one in line is still answered within the 30 s that a client waits. */
const most = 20;

/** The searches of one caller take turns, so that many at once delay the others no more than one does. */
export class Searches {
  readonly #turns = new KeyedMutex();
  /** The searches that have no answer yet, by caller. */
  readonly #open = new Map<string, number>();

  /**
   * A search that may take several turns.
   * @throws ProtocolError `rate_limited` where the caller has too many already.
   */
  async open<T>(caller: string, search: () => Promise<T>): Promise<T> {
    const open = this.#open.get(caller) ?? 0;
    if (open >= most) {
      throw new ProtocolError(
        'rate_limited',
        `${open} searches of this caller wait for their answers; at most ${most} may. Try again in 1 s.`,
        { limit: most, retry_after: 1 },
      );
    }
    this.#open.set(caller, open + 1);
    try {
      return await search();
    } finally {
      const left = (this.#open.get(caller) ?? 1) - 1;
      if (left === 0) this.#open.delete(caller);
      else this.#open.set(caller, left);
    }
  }

  turn<T>(caller: string, work: () => T | Promise<T>): Promise<T> {
    return this.#turns.run(caller, work);
  }
}
