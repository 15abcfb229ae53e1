import { OJSError } from '../errors.ts';

/**
 * Code that a bundler puts into a chunk of its own.
 * @throws {OJSError} if the chunk cannot be loaded, such as by a browser that is offline. The next call tries again.
 */
export async function loaded<P>(code: Promise<P>): Promise<P> {
  try {
    return await code;
  } catch (cause) {
    throw new OJSError(`The code of this method could not be loaded: ${String(cause)}`, { cause });
  }
}

/**
 * An iterable whose code loads when a loop over it begins. A loop that ends while it awaits the next item does not wait
 * for that item.
 */
export function later<T>(open: () => Promise<AsyncIterable<T>>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const opened = open().then((items) => items[Symbol.asyncIterator]());
      // `next()` rejects with the error.
      opened.catch(() => {});
      return {
        next: async () => (await opened).next(),
        return: async () => {
          await (await opened).return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
