import type { Select } from '../../columns.ts';
import { notEmpty } from '../../dump.ts';
import { dump } from '../../sql/dump.ts';
import type { Backup } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import type { Reader } from '../connection/sql.ts';
import { queries } from './dump.ts';
import { isEmpty, PostgresRestoration } from './restore.ts';

/** A dump shows one moment of the schema; a restore is one transaction. */
export function backup(database: Database): Backup {
  return {
    async *dump() {
      await using snapshot = await database.snapshot();
      let cursors = 0;
      yield* dump((query) => fetched(snapshot, `rows${cursors++}`, query), queries);
    },

    async restore(pages) {
      let begun = false;
      await database.transact(0, async (tx) => {
        if (!(await isEmpty(tx))) throw notEmpty(database.address.name);
        // The pages can be read only once, so the transaction cannot be run again.
        if (begun)
          throw new Error(`${database.address.name} is in use; stop all servers on it before you restore a dump.`);
        begun = true;
        await tx.script('SET LOCAL idle_in_transaction_session_timeout = 0');
        const restoration = new PostgresRestoration(tx);
        for await (const page of pages) await restoration.take(page);
        await restoration.end();
      });
    },
  };
}

/** Reads the rows of a query through a cursor, so few of them are in memory at once: an envelope may have 1 MiB. */
async function* fetched<T>(reader: Reader, cursor: string, { text, read }: Select<T>): AsyncIterable<readonly T[]> {
  await reader.query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${text}`);
  for (;;) {
    const page = await reader.all({ text: `FETCH 100 FROM ${cursor}`, read });
    if (page.length === 0) break;
    yield page;
  }
  await reader.query(`CLOSE ${cursor}`);
}
