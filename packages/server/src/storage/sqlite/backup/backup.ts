import type { Backup } from '../../storage.ts';
import { Connection, patiently, type Synchronous } from '../disk/connection.ts';
import { dump } from './dump.ts';
import { isEmpty, Restoration } from './restore.ts';

/** Each call has a connection of its own: a dump is a snapshot while others write, and a restore is one commit. */
export function backup(main: Connection, synchronous: Synchronous, patienceMs: number): Backup {
  return {
    async *dump() {
      main.get('SELECT 1');
      const sql = new Connection(main.file, synchronous);
      try {
        await patiently(sql, patienceMs, () => {
          sql.execute('BEGIN');
          // The snapshot begins with the first read.
          sql.get('SELECT one FROM ojs_store');
        });
        for (const page of dump(sql)) if (page.length > 0) yield page;
      } finally {
        sql.close();
      }
    },

    async restore(pages) {
      main.get('SELECT 1');
      const sql = new Connection(main.file, synchronous);
      try {
        await patiently(sql, patienceMs, () => sql.execute('BEGIN IMMEDIATE'));
        if (!isEmpty(sql)) throw new Error(`${sql.file} is not empty; restore a dump into an empty store.`);
        const restoration = new Restoration(sql);
        for await (const page of pages) restoration.add(page);
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
