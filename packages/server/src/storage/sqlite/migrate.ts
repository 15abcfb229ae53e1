import { readdirSync, readFileSync } from 'node:fs';
import type { Layout } from '../storage.ts';
import { type Connection, patiently } from './connection.ts';
import { integer } from './row.ts';

const directory = new URL('../../../sql/sqlite/', import.meta.url);

/** The files that make the layout, in order; each makes it one version newer. */
const files = readdirSync(directory)
  .filter((name) => /^\d{3}_.*\.sql$/.test(name))
  .sort();

export function layout(connection: Connection): Layout {
  const from = version(connection);
  return { from, to: files.length, steps: files.slice(from) };
}

function version(connection: Connection): number {
  return integer(connection.get('PRAGMA user_version')?.[0]);
}

/**
 * The oldest layout whose servers may be running: that before the last migration, since one of an older layout is not started any more. Null where it is not
 * known.
 */
export function servedFrom(connection: Connection): number | null {
  const [found] = connection.get('SELECT max(served_from) FROM ojs_layouts') ?? [];
  return found === null || found === undefined ? null : integer(found);
}

/**
 * Applies the files of sql/sqlite that the database does not have yet, in one transaction; the version is SQLite's `user_version`.
 * Two processes may do it at once: the second waits and finds the work done.
 * @throws Error where the database is newer than this code.
 */
export async function migrate(
  connection: Connection,
  patienceMs: number,
): Promise<{ readonly from: number; readonly to: number }> {
  const to = files.length;
  await patiently(connection, patienceMs, () => connection.execute('PRAGMA journal_mode = WAL'));
  return patiently(connection, patienceMs, () => {
    connection.execute('BEGIN IMMEDIATE');
    try {
      const from = version(connection);
      if (from > to) {
        throw new Error(
          `${connection.file} has layout ${from}; this version of the server knows ${to}. Use the newer version, or another file.`,
        );
      }
      for (const name of files.slice(from)) connection.execute(readFileSync(new URL(name, directory), 'utf8'));
      // Not a file of the layout: it says what each step came from.
      connection.execute(
        'CREATE TABLE IF NOT EXISTS ojs_layouts (version INTEGER PRIMARY KEY, served_from INTEGER NOT NULL) STRICT',
      );
      if (from < to)
        connection.execute(`INSERT INTO ojs_layouts (version, served_from) VALUES (${to}, ${from === 0 ? to : from})`);
      connection.execute(`PRAGMA user_version = ${to}; COMMIT`);
      return { from, to };
    } catch (error) {
      connection.execute('ROLLBACK');
      throw error;
    }
  });
}
