import { readdirSync, readFileSync } from 'node:fs';
import { sqlFolder } from '../../files.ts';
import type { Layout } from '../storage.ts';
import { type Connection, patiently } from './disk/connection.ts';
import { integer } from './row.ts';

/** The files of the layout, in order; each raises the version by one. */
const directory = new URL('sqlite/', sqlFolder);

/** @param from the folder with the files; a test adds a made-up newer layout. */
export function layout(connection: Connection, from = directory): Layout {
  const files = filesIn(from);
  const version = versionOf(connection);
  return { from: version, to: files.length, steps: files.slice(version) };
}

/**
 * Applies the files that the database does not have yet, in one transaction; the version is SQLite's `user_version`.
 * Of two processes that migrate at once, the second waits and finds the work done.
 * @throws Error if the layout is newer than this code, or unknown.
 */
export async function migrate(
  connection: Connection,
  patienceMs: number,
  from = directory,
): Promise<{ readonly from: number; readonly to: number }> {
  const files = filesIn(from);
  await patiently(connection, patienceMs, () => connection.execute('PRAGMA journal_mode = WAL'));
  return patiently(connection, patienceMs, () => {
    connection.execute('BEGIN IMMEDIATE');
    try {
      const version = versionOf(connection);
      if (version > files.length) {
        throw new Error(
          `${connection.file} has layout ${version}; this version of the server knows ${files.length}. Use the newer version, or another file.`,
        );
      }
      for (const name of files.slice(version)) connection.execute(readFileSync(new URL(name, from), 'utf8'));
      connection.execute(`PRAGMA user_version = ${files.length}; COMMIT`);
      return { from: version, to: files.length };
    } catch (error) {
      connection.rollback();
      throw error;
    }
  });
}

function filesIn(directory: URL): readonly string[] {
  return readdirSync(directory)
    .filter((name) => /^\d{3}_.*\.sql$/.test(name))
    .sort();
}

/** @throws Error if the version is another application's, which may keep its tables in the same file. */
function versionOf(connection: Connection): number {
  const version = integer(connection.get('PRAGMA user_version')?.[0]);
  if (version === 0 || connection.get("SELECT 1 FROM sqlite_schema WHERE name = 'ojs_store'")) return version;
  throw new Error(
    `${connection.file} has user_version ${version} but no table ojs_store: the version is another application's. Use another file.`,
  );
}
