import { test } from 'vitest';

/** A `test` for cases that begin alike: each gets what `open` opens for it alone, and it is closed when the case ends. */
export function testWith<T extends AsyncDisposable>(open: () => Promise<T> | T) {
  return (name: string, body: (opened: T) => Promise<void>, timeout?: number): void => {
    test(
      name,
      async () => {
        await using opened = await open();
        await body(opened);
      },
      timeout,
    );
  };
}
