import { readdirSync, readFileSync } from 'node:fs';
import { type Connection, patiently } from './connection.ts';
import { integer } from './row.ts';

const directory = new URL('../../../sql/sqlite/', import.meta.url);

/**
 * Applies the files of sql/sqlite that the database does not have yet, in one transaction; the version is SQLite's `user_version`.
 * Two processes may do it at once: the second waits and finds the work done.
 * @throws Error where the database is newer than this code.
 */
export async function migrate(connection: Connection, patienceMs: number): Promise<{ readonly from: number; readonly to: number }> {
  const files = readdirSync(directory)
    .filter((name) => /^\d{3}_.*\.sql$/.test(name))
    .sort();
  const to = files.length;
  await patiently(connection, patienceMs, () => connection.execute('PRAGMA journal_mode = WAL'));
  return patiently(connection, patienceMs, () => {
    connection.execute('BEGIN IMMEDIATE');
    try {
      const from = integer(connection.get('PRAGMA user_version')?.[0]);
      if (from > to) {
        throw new Error(
          `${connection.file} has layout ${from}; this version of the server knows ${to}. Use the newer version, or another file.`,
        );
      }
      for (const name of files.slice(from)) connection.execute(readFileSync(new URL(name, directory), 'utf8'));
      connection.execute(`PRAGMA user_version = ${to}; COMMIT`);
      return { from, to };
    } catch (error) {
      connection.execute('ROLLBACK');
      throw error;
    }
  });
}
