import { readdirSync, readFileSync } from 'node:fs';
import { sqlFolder } from '../../../files.ts';
import { type Cells, integer, text } from '../../cells.ts';
import { isKnown, layoutSum, unknownLayout, versionOf } from '../../layout-sum.ts';
import type { Layout } from '../../storage.ts';
import type { Database } from './database.ts';

const directory = new URL('postgres/', sqlFolder);
/** The advisory lock of migrations: any number, but the same in every version. */
const lock = 7_352_001;

/** By way of JSON, because the tables of early versions have no such column. */
const newest = "SELECT version, to_jsonb(layout) ->> 'sum' FROM ojs.layout AS layout ORDER BY version DESC LIMIT 1";

/**
 * Applies the files of sql/postgres that the schema does not have yet, in one transaction; the table `layout` holds the
 * version. Several processes may call it at once: one works, the others wait and find the work done.
 * @throws Error if the layout is newer than this code.
 */
export async function migrate(database: Database): Promise<{ readonly from: number; readonly to: number }> {
  const { from, to } = await layout(database);
  if (from === to) return { from, to };
  return database.transact(0, async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [lock]);
    // Even `IF NOT EXISTS` needs the right to create a schema, which a role may lack where an administrator has
    // created it.
    const [there] = await tx.query('SELECT to_regnamespace($1) IS NOT NULL', [`"${database.address.schema}"`]);
    if (there?.[0] !== true) await tx.script(`CREATE SCHEMA "${database.address.schema}"`);
    await tx.script('CREATE TABLE IF NOT EXISTS ojs.layout (version integer NOT NULL, sum text)');
    const from = check(database, (await tx.query(newest))[0]);
    for (const name of behind(from)) await tx.script(read(name));
    if (from < to) await tx.query('INSERT INTO ojs.layout (version, sum) VALUES ($1, $2)', [to, ownSum()]);
    return { from, to };
  });
}

/** @throws Error if the layout is newer than this code, or older than all that it knows. */
export async function layout(database: Database): Promise<Layout> {
  const [there] = await database.query('SELECT to_regclass($1) IS NOT NULL', [`"${database.address.schema}".layout`]);
  const from = there?.[0] === true ? check(database, (await database.query(newest))[0]) : 0;
  return { from, to: versionOf(files().at(-1) ?? ''), steps: behind(from) };
}

/** Reports whether the files of the layout are those that made the schema. */
export async function isOwnLayout(database: Database): Promise<boolean> {
  return (await database.query(newest))[0]?.[1] === ownSum();
}

/** All indexes of the newest layout, but those of primary keys: the name, and the statement that creates it. */
export function indexes(schema: string): ReadonlyMap<string, string> {
  const text = files().map(read).join('\n');
  const found = new Map<string, string>();
  for (const [statement, name = ''] of text.matchAll(/CREATE (?:UNIQUE )?INDEX (\w+) ON[^;]+/g))
    found.set(name, statement.replaceAll(/\s+/g, ' ').replace(' ON ojs.', ` ON "${schema}".`));
  for (const [, name = ''] of text.matchAll(/DROP INDEX ojs\.(\w+);/g)) found.delete(name);
  return found;
}

function files(): readonly string[] {
  return readdirSync(directory)
    .filter((name) => /^\d{3}_.*\.sql$/.test(name))
    .sort();
}

/** The files that a store of this version does not have yet. */
function behind(version: number): readonly string[] {
  return files().filter((name) => versionOf(name) > version);
}

function read(name: string): string {
  return readFileSync(new URL(name, directory), 'utf8');
}

function ownSum(): string {
  return layoutSum(files().map(read));
}

/** The version that is there; 0 without a row. */
function check(database: Database, [version, sum]: Cells = [0, null]): number {
  const known = files();
  const found = integer(version);
  if (isKnown(found, known)) return found;
  const store = `PostgreSQL at ${database.address.name}`;
  throw unknownLayout(store, found, known, sum === null ? null : text(sum), 'schema');
}
