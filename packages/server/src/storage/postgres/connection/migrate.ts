import { readdirSync, readFileSync } from 'node:fs';
import { sqlFolder } from '../../../files.ts';
import { integer } from '../../cells.ts';
import type { Layout } from '../../storage.ts';
import type { Database } from './database.ts';

const directory = new URL('postgres/', sqlFolder);
/** The advisory lock of migrations: any number, but the same in every version. */
const lock = 7_352_001;

const newest = 'SELECT coalesce(max(version), 0) FROM ojs.layout';

/**
 * Applies the files of sql/postgres that the schema does not have yet, in one transaction; the table `layout` holds the
 * version. Several processes may call it at once: one works, the others wait and find the work done.
 * @throws Error if the layout is newer than this code.
 */
export async function migrate(database: Database): Promise<{ readonly from: number; readonly to: number }> {
  const { from, to } = await layout(database);
  check(database, from, to);
  if (from === to) return { from, to };
  return database.transact(0, async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [lock]);
    // Even `IF NOT EXISTS` needs the right to create a schema, which a role may lack where an administrator has
    // created it.
    const [there] = await tx.query('SELECT to_regnamespace($1) IS NOT NULL', [`"${database.address.schema}"`]);
    if (there?.[0] !== true) await tx.script(`CREATE SCHEMA "${database.address.schema}"`);
    await tx.script('CREATE TABLE IF NOT EXISTS ojs.layout (version integer NOT NULL)');
    const from = integer((await tx.query(newest))[0]?.[0]);
    check(database, from, to);
    for (const name of files().slice(from)) await tx.script(readFileSync(new URL(name, directory), 'utf8'));
    if (from < to) await tx.query('INSERT INTO ojs.layout (version) VALUES ($1)', [to]);
    return { from, to };
  });
}

export async function layout(database: Database): Promise<Layout> {
  const names = files();
  const [there] = await database.read('SELECT to_regclass($1) IS NOT NULL', [`"${database.address.schema}".layout`]);
  const from = there?.[0] === true ? integer((await database.read(newest))[0]?.[0]) : 0;
  return { from, to: names.length, steps: names.slice(from) };
}

/** The names of all indexes of the newest layout, but those of primary keys. */
export function indexNames(): readonly string[] {
  const sql = files().map((name) => readFileSync(new URL(name, directory), 'utf8'));
  return sql.flatMap((text) => [...text.matchAll(/CREATE (?:UNIQUE )?INDEX (\w+) ON/g)].map(([, name = '']) => name));
}

function files(): readonly string[] {
  return readdirSync(directory)
    .filter((name) => /^\d{3}_.*\.sql$/.test(name))
    .sort();
}

function check(database: Database, found: number, known: number): void {
  if (found <= known) return;
  throw new Error(
    `PostgreSQL at ${database.address.name} has layout ${found}; this version of the server knows ${known}. Use the newer version, or another schema.`,
  );
}
