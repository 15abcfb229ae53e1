/** An iterable whose code is loaded when a loop over it begins. Whoever leaves while the next item is awaited does not wait for it. */
export function later<T>(open: () => Promise<AsyncIterable<T>>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const opened = open().then((items) => items[Symbol.asyncIterator]());
      // Who asks for the next item is told.
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
