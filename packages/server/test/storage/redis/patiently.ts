import { StoreUnavailable } from '../../../src/storage/unavailable.ts';

/** Makes the same call again while the store cannot be had, as the engine's callers do. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
}
