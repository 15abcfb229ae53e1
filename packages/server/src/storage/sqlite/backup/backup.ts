import { notEmpty, pagesOf } from '../../dump.ts';
import { dump } from '../../sql/dump.ts';
import type { Backup } from '../../storage.ts';
import { Connection, patiently, type Synchronous } from '../disk/connection.ts';
import { queries, selectInSqlite } from './dump.ts';
import { isEmpty, SqliteRestoration } from './restore.ts';

/** Each call has a connection of its own: a dump is a snapshot while others write, and a restore is one commit. */
export function backup(main: Connection, synchronous: Synchronous, patienceMs: number): Backup {
  return {
    async *dump() {
      main.value('SELECT 1');
      const sql = new Connection(main.file, synchronous);
      try {
        await patiently(sql, patienceMs, () => {
          sql.execute('BEGIN');
          // The snapshot begins with the first read.
          sql.value('SELECT one FROM ojs_store');
        });
        yield* dump((query) => pagesOf(sql.each(selectInSqlite(query))), queries);
      } finally {
        sql.close();
      }
    },

    async restore(pages) {
      main.value('SELECT 1');
      const sql = new Connection(main.file, synchronous);
      try {
        await patiently(sql, patienceMs, () => sql.execute('BEGIN IMMEDIATE'));
        if (!isEmpty(sql)) throw notEmpty(sql.file);
        const restoration = new SqliteRestoration(sql);
        for await (const page of pages) restoration.take(page);
        restoration.end();
        sql.execute('COMMIT');
      } catch (error) {
        throw sql.explain(error);
      } finally {
        // Closing without a commit rolls back.
        sql.close();
      }
    },
  };
}
