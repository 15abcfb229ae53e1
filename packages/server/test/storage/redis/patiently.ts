import { setImmediate } from 'node:timers/promises';
import { StoreUnavailable } from '../../../src/storage/unavailable.ts';

/** Makes the same call again while the store cannot be had, as the engine's callers do. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      // One that fails at once would else never let the connection that it needs come back.
      await setImmediate();
    }
  }
}
