import { setImmediate } from 'node:timers/promises';
import { StoreUnavailable } from '../../../src/storage/unavailable.ts';

/** Repeats a call while the store is unavailable, as the engine's callers do. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      // A call that fails at once would otherwise leave no time to reconnect.
      await setImmediate();
    }
  }
}
