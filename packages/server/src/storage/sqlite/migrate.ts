import { readdirSync, readFileSync } from 'node:fs';
import { sqlFolder } from '../../files.ts';
import { integer, textOrNull } from '../cells.ts';
import { isKnown, layoutSum, unknownLayout, versionOf } from '../layout-sum.ts';
import type { Layout } from '../storage.ts';
import { type Connection, patiently } from './disk/connection.ts';

/** The files of the layout, in order. */
const directory = new URL('sqlite/', sqlFolder);

/**
 * @param from the folder with the files; a test adds a made-up newer layout.
 * @throws Error if the layout is older than all that this code knows, or another application's.
 */
export function layout(connection: Connection, from = directory): Layout {
  const files = filesIn(from);
  const version = storedVersion(connection);
  const to = versionOf(files.at(-1) ?? '');
  if (!isKnown(version, files) && (version < to || sumOf(connection) === null))
    throw unknownLayout(connection.file, version, files, null, 'file');
  return { from: version, to, steps: files.filter((name) => versionOf(name) > version) };
}

/**
 * Applies the files that the database does not have yet, in one transaction; the version is SQLite's `user_version`. If
 * two processes migrate at once, the second waits and finds the work done.
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
      const version = storedVersion(connection);
      if (!isKnown(version, files)) throw unknownLayout(connection.file, version, files, sumOf(connection), 'file');
      const { to, steps } = layout(connection, from);
      for (const name of steps) connection.execute(readFileSync(new URL(name, from), 'utf8'));
      if (version < to) connection.run('UPDATE ojs_store SET layout_sum = ?', ownSum(from));
      connection.execute(`PRAGMA user_version = ${to}; COMMIT`);
      return { from: version, to };
    } catch (error) {
      connection.rollback();
      throw error;
    }
  });
}

/** Reports whether the files of the layout are those that made the database. */
export function isOwnLayout(connection: Connection): boolean {
  return sumOf(connection) === ownSum(directory);
}

/** Null in a database of an early version, which has no such column. */
function sumOf(connection: Connection): string | null {
  if (!connection.value("SELECT 1 FROM pragma_table_info('ojs_store') WHERE name = 'layout_sum'")) return null;
  return textOrNull(connection.value('SELECT layout_sum FROM ojs_store'));
}

function ownSum(directory: URL): string {
  return layoutSum(filesIn(directory).map((name) => readFileSync(new URL(name, directory), 'utf8')));
}

function filesIn(directory: URL): readonly string[] {
  return readdirSync(directory)
    .filter((name) => /^\d{3}_.*\.sql$/.test(name))
    .sort();
}

/** @throws Error if the version is another application's, which may keep its tables in the same file. */
function storedVersion(connection: Connection): number {
  const version = integer(connection.value('PRAGMA user_version'));
  if (version === 0 || connection.value("SELECT 1 FROM sqlite_schema WHERE name = 'ojs_store'")) return version;
  throw new Error(
    `${connection.file} has user_version ${version} but no table ojs_store: the version is another application's. ` +
      'Use another file.',
  );
}
