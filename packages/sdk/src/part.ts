import { OJSError } from './errors.ts';

/**
 * Code of this package that not every program needs. A bundler makes a chunk of its own of it; it is loaded with its first use, and once. @throws {OJSError} where it
 * cannot be loaded, such as by a browser that is offline; the next use tries again.
 */
export type Part<P> = () => Promise<P>;

const underWay = new Set<Promise<unknown>>();

export function part<P>(load: () => Promise<P>): Part<P> {
  let loaded: Promise<P> | undefined;
  return () => {
    if (loaded !== undefined) return loaded;
    const loading = load().catch((cause: unknown) => {
      loaded = undefined;
      throw new OJSError(`A part of this package could not be loaded: ${String(cause)}`, { cause });
    });
    loaded = loading;
    const over = () => underWay.delete(loading);
    underWay.add(loading);
    loading.then(over, over);
    return loading;
  };
}

/** Resolves once nobody waits for a part any more: a call that does has begun, and whoever closes a client waits for it. */
export async function partsLoaded(): Promise<void> {
  await Promise.allSettled(underWay);
}
