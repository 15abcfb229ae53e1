export { PageSize } from '@ojs-ts/core/requests';

/** Lets the other requests of the process have their turn between two pages: some storages answer without a wait. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
