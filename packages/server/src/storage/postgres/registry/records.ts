import type { Millis } from '@ojs-ts/core';
import {
  type CommitAnswer,
  fitsChange,
  type RecordChange,
  type RecordKey,
  type StoredRecord,
} from '@ojs-ts/core/memory';
import { recordColumns } from '../../rows.ts';
import type { Records } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { lockAhead } from '../connection/locks.ts';
import { indexJoin, isStorable, numbers, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { insertGroups } from '../insert/insert.ts';
import { transitionAll } from '../jobs/transitions.ts';
import { lockWorkflows } from '../workflows/nodes.ts';

const { list } = recordColumns;
const named = (order: string) =>
  recordColumns.of(`SELECT ${list.replaceAll(/\w+/g, 'record.$&')} FROM unnest($1::text[], $2::text[]) AS named (kind, key)
  JOIN ojs.records AS record
  ON ${indexJoin('record.kind', 'named.kind')} AND ${indexJoin('record.key', 'named.key')} ${order}`);
const find = named('');
const lock = named('ORDER BY record.kind, record.key FOR UPDATE OF record');

const page = (condition: string, order: string) =>
  recordColumns.from(`ojs.records WHERE kind = $1 AND key ${condition} $2 ORDER BY key ${order} LIMIT $3 OFFSET $4`);
const up = page('>', 'ASC');
const down = page('<', 'DESC');
/** The largest character: no key begins with it. */
const end = '\u{10ffff}';

const written = `unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
  AS put (${list})`;
const insert = `INSERT INTO ojs.records (${list}) SELECT ${list} FROM ${written} ORDER BY kind, key`;
const update = `UPDATE ojs.records AS record SET version = put.version, created_at = put.created_at,
    updated_at = put.updated_at, body = put.body
  FROM ${written} WHERE record.kind = put.kind AND record.key = put.key`;
const remove = `DELETE FROM ojs.records AS record USING unnest($1::text[], $2::text[]) AS gone (kind, key)
  WHERE record.kind = gone.kind AND record.key = gone.key`;

export function records(database: Database): Records {
  return {
    async get(keys) {
      const found = byName(await database.all(find, namesOf(keys.filter(isNameable))));
      return keys.map((key) => found.get(nameOf(key)) ?? null);
    },

    scan: (kind, { from, backwards = false, skip = 0, limit }) =>
      database.all(backwards ? down : up, [kind, from ?? (backwards ? end : ''), limit, skip]),

    commit: (changes, now = 0) => database.transact(now, (tx) => commit(tx, changes, now)),
  };
}

/**
 * Locks the records first, by name, so that a second change of the same version finds a newer one; then unique keys,
 * jobs and workflows.
 */
async function commit(
  tx: Transaction,
  changes: readonly RecordChange[],
  now: Millis,
): Promise<readonly CommitAnswer[]> {
  const before = byName(await tx.all(lock, namesOf(changes.flatMap(keysOf).filter(isNameable))));
  const after = new Map(before);
  const jobs = changes.flatMap(({ job }) => job ?? []);
  const ended = changes.flatMap(({ ends = [] }) => ends.map(({ id }) => id));
  if (jobs.length + ended.length > 0) {
    if (!changes.some((change) => fitsIn(before, change))) return changes.map(() => false);
    const workflows = await lockAhead(tx, jobs, ended);
    if (workflows.length > 0) await lockWorkflows(tx, workflows);
  }
  const answers: CommitAnswer[] = [];
  for (const run of runs(changes)) answers.push(...(await commitRun(tx, run, after, now)));
  write(tx, before, after);
  return answers;
}

/** Splits changes into runs whose jobs are inserted at once: only the first ends jobs, and no two share a record. */
function runs(changes: readonly RecordChange[]): readonly (readonly RecordChange[])[] {
  const found: RecordChange[][] = [];
  let taken = new Set<string>();
  for (const change of changes) {
    const names = keysOf(change).map(nameOf);
    const last = found.at(-1);
    const isAlone = (change.ends ?? []).length > 0 || names.some((name) => taken.has(name));
    if (last && !isAlone) {
      last.push(change);
      for (const name of names) taken.add(name);
    } else {
      found.push([change]);
      taken = new Set(names);
    }
  }
  return found;
}

async function commitRun(
  tx: Transaction,
  run: readonly RecordChange[],
  records: Map<string, StoredRecord>,
  now: Millis,
): Promise<readonly CommitAnswer[]> {
  const fitting = run.filter((change) => fitsIn(records, change));
  const ends = fitting.flatMap(({ ends = [] }) => ends);
  await transitionAll(tx, ends, now);
  // The events of a job come before those of its change.
  const logs = new Map(fitting.map((change) => [change, { ofJob: tx.log.section(), own: tx.log.section() }]));
  const withJob = fitting.flatMap((change) => {
    const log = logs.get(change)?.ofJob;
    return change.job && log ? [{ change, job: change.job, log }] : [];
  });
  const groups = withJob.map(({ job }) => [job]);
  const options = { always: true as const, logs: withJob.map(({ log }) => log) };
  const inserted = groups.length === 0 ? [] : await insertGroups(tx, groups, now, options);
  const refused = new Map(
    withJob.flatMap(({ change }, at) => {
      const answer = inserted[at]?.[0];
      return answer === undefined || answer.kind === 'inserted' ? [] : [[change, answer] as const];
    }),
  );
  return run.map((change) => {
    const log = logs.get(change);
    if (log === undefined) return false;
    const refusal = refused.get(change);
    if (refusal !== undefined) return refusal;
    log.own.add(change.events ?? []);
    for (const key of change.deletes ?? []) records.delete(nameOf(key));
    for (const put of change.puts ?? []) records.set(nameOf(put), put);
    return true;
  });
}

function write(
  tx: Transaction,
  before: ReadonlyMap<string, StoredRecord>,
  after: ReadonlyMap<string, StoredRecord>,
): void {
  const gone = [...before].filter(([name]) => !after.has(name)).map(([, record]) => record);
  const changed = [...after].filter(([name, record]) => before.get(name) !== record);
  // If another transaction inserts the same record first, this one fails, runs again and finds it.
  const added = changed.filter(([name]) => !before.has(name)).map(([, record]) => record);
  const others = changed.filter(([name]) => before.has(name)).map(([, record]) => record);
  if (gone.length > 0) tx.write(remove, namesOf(gone));
  if (added.length > 0) tx.write(insert, rowsOf(added));
  if (others.length > 0) tx.write(update, rowsOf(others));
}

function keysOf({ checks = [], puts = [], deletes = [] }: RecordChange): readonly RecordKey[] {
  return [...checks, ...puts, ...deletes];
}

function fitsIn(records: ReadonlyMap<string, StoredRecord>, change: RecordChange): boolean {
  return fitsChange(
    change,
    (key) => records.get(nameOf(key)) ?? null,
    () => null,
  );
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
