import type { Connection } from '../connection/connection.ts';
import { firstPage, openPage } from '../operations/page.ts';
import { called, type Rows } from '../operations/row.ts';
import { warnOfSeconds } from '../options/values.ts';

/** Gives a class the methods of the rows. */
export function addMethods<Self extends object>(
  prototype: Self,
  rows: Rows,
  connectionOf: (self: Self) => Connection,
): void {
  for (const [name, row] of Object.entries(rows)) {
    const { [name]: value } = {
      async [name](this: Self, ...args: unknown[]): Promise<unknown> {
        const connection = connectionOf(this);
        const { made, options } = called(row, args);
        warnOfSeconds(options.requestTimeout, 'requestTimeout', connection.logger);
        if (typeof made !== 'function') return connection.carry(made, options);
        return openPage(firstPage(options), (query) => connection.carry(made(query), options));
      },
    };
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  }
}
