import { fitsChange, type RecordChange, type RecordKey, type StoredRecord } from '@ojs-ts/core/memory';
import { readRecord, recordColumns } from '../../rows.ts';
import type { Records } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { indexJoin, isStorable, numbers, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';

const columns = recordColumns.replaceAll(/\w+/g, 'record.$&');
const named = `SELECT ${columns} FROM unnest($1::text[], $2::text[]) AS named (kind, key) JOIN ojs.records AS record
  ON ${indexJoin('record.kind', 'named.kind')} AND ${indexJoin('record.key', 'named.key')}`;
const lock = `${named} ORDER BY record.kind, record.key FOR UPDATE OF record`;

const page = (condition: string, order: string) => `SELECT ${recordColumns} FROM ojs.records
  WHERE kind = $1 AND key ${condition} $2 ORDER BY key ${order} LIMIT $3 OFFSET $4`;
const up = page('>', 'ASC');
const down = page('<', 'DESC');
/** The largest character: no key begins with it. */
const end = '\u{10ffff}';

const written = `unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
  AS put (${recordColumns})`;
const insert = `INSERT INTO ojs.records (${recordColumns}) SELECT ${recordColumns} FROM ${written} ORDER BY kind, key`;
const update = `UPDATE ojs.records AS record SET version = put.version, created_at = put.created_at,
    updated_at = put.updated_at, body = put.body
  FROM ${written} WHERE record.kind = put.kind AND record.key = put.key`;
const remove = `DELETE FROM ojs.records AS record USING unnest($1::text[], $2::text[]) AS gone (kind, key)
  WHERE record.kind = gone.kind AND record.key = gone.key`;

export function records(database: Database): Records {
  return {
    async get(keys) {
      const found = byName((await database.read(named, namesOf(keys.filter(isNameable)))).map(readRecord));
      return keys.map((key) => found.get(nameOf(key)) ?? null);
    },

    async scan(kind, { from, backwards = false, skip = 0, limit }) {
      const [statement, first] = backwards ? [down, end] : [up, ''];
      return (await database.read(statement, [kind, from ?? first, limit, skip])).map(readRecord);
    },

    commit: (changes) => database.transact(0, (tx) => commit(tx, changes)),
  };
}

async function commit(tx: Transaction, changes: readonly RecordChange[]): Promise<readonly boolean[]> {
  const keys = changes.flatMap(({ checks = [], puts = [], deletes = [] }) => [...checks, ...puts, ...deletes]);
  const before = byName((await tx.query(lock, namesOf(keys.filter(isNameable)))).map(readRecord));
  const now = new Map(before);
  const answers = changes.map((change) => {
    if (!fitsChange(change, (key) => now.get(nameOf(key)) ?? null)) return false;
    for (const key of change.deletes ?? []) now.delete(nameOf(key));
    for (const put of change.puts ?? []) now.set(nameOf(put), put);
    return true;
  });
  const gone = [...before].filter(([name]) => !now.has(name)).map(([, record]) => record);
  const changed = [...now].filter(([name, record]) => before.get(name) !== record);
  // If another transaction inserts the same record first, this one fails, runs again and finds it.
  const added = changed.filter(([name]) => !before.has(name)).map(([, record]) => record);
  const others = changed.filter(([name]) => before.has(name)).map(([, record]) => record);
  if (gone.length > 0) tx.write(remove, namesOf(gone));
  if (added.length > 0) tx.write(insert, rowsOf(added));
  if (others.length > 0) tx.write(update, rowsOf(others));
  return answers;
}

function namesOf(keys: readonly RecordKey[]): readonly unknown[] {
  const each = [...byName(keys).values()];
  return [texts(each.map(({ kind }) => kind)), texts(each.map(({ key }) => key))];
}

function rowsOf(records: readonly StoredRecord[]): readonly unknown[] {
  return [
    ...namesOf(records),
    ...[
      numbers(records.map(({ version }) => version)),
      numbers(records.map(({ createdAt }) => createdAt)),
      numbers(records.map(({ updatedAt }) => updatedAt)),
      texts(records.map(({ body }) => body)),
    ],
  ];
}

function byName<Key extends RecordKey>(keys: readonly Key[]): Map<string, Key> {
  return new Map(keys.map((key) => [nameOf(key), key]));
}

function nameOf({ kind, key }: RecordKey): string {
  return `${kind}\0${key}`;
}

/** A key that PostgreSQL cannot store is the name of no record. */
function isNameable({ key }: RecordKey): boolean {
  return isStorable(key);
}
