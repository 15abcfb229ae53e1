import type { Millis } from '@ojs-ts/core';
import { jobOfSteps } from '@ojs-ts/core/durable';
import { type JobId, State, Terminal, type Transition } from '@ojs-ts/core/job';
import { isIn, overtakes } from '@ojs-ts/core/lifecycle';
import {
  type CommitAnswer,
  fitsChange,
  type RecordChange,
  type RecordKey,
  type StoredRecord,
} from '@ojs-ts/core/memory';
import { integer, text } from '../../cells.ts';
import { recordColumns } from '../../rows.ts';
import type { Records } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { lockAhead, replacedKeys } from '../connection/locks.ts';
import { indexJoin, isStorable, numbers, texts, uuids } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { beingCompleted } from '../insert/completions.ts';
import { insertGroups } from '../insert/insert.ts';
import { transitionAll } from '../jobs/transitions.ts';
import { lockWorkflows } from '../workflows/nodes.ts';
import { commitAtOnce } from './claimed-commit.ts';

const { list } = recordColumns;
const named = (order: string) =>
  recordColumns.of(`SELECT ${list.replaceAll(/\w+/g, 'record.$&')} FROM unnest($1::text[], $2::text[]) AS named (kind, key)
  JOIN ojs.records AS record
  ON ${indexJoin('record.kind', 'named.kind')} AND ${indexJoin('record.key', 'named.key')} ${order}`);
const find = named('');
/** By the names, since in the order of the table an empty one would be planned as a walk of its whole index. */
const lock = named('ORDER BY named.kind, named.key FOR UPDATE OF record');

/** An end or a removal of an active job waits for this lock; a heartbeat does not. */
const lockClaimed = `SELECT id, claim FROM ojs.active WHERE id = ANY ($1::uuid[])
  AND NOT EXISTS (SELECT FROM ojs.inbox_completions AS done
    WHERE done.id = active.id AND done.claim = active.claim)
  ORDER BY id FOR KEY SHARE OF active`;
/** Active jobs with their claims. */
type Held = ReadonlyMap<JobId, number>;
const noClaims: Held = new Map();

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
  FROM ${written} WHERE ${indexJoin('record.kind', 'put.kind')} AND ${indexJoin('record.key', 'put.key')}`;
const remove = `DELETE FROM ojs.records AS record USING unnest($1::text[], $2::text[]) AS gone (kind, key)
  WHERE ${indexJoin('record.kind', 'gone.kind')} AND ${indexJoin('record.key', 'gone.key')}`;

export function records(database: Database): Records {
  return {
    async get(keys) {
      const found = byName(await database.all(find, namesOf(keys.filter(isNameable))));
      return keys.map((key) => found.get(nameOf(key)) ?? null);
    },

    scan: (kind, { from, backwards = false, skip = 0, limit }) =>
      database.all(backwards ? down : up, [kind, from ?? (backwards ? end : ''), limit, skip]),

    commit: async (changes, now = 0) =>
      (await commitAtOnce(database, changes)) ?? database.transact(now, (tx) => commit(tx, changes, now)),
  };
}

/**
 * Locks the records first, by name, so that a second change of the same version finds a newer one; then unique keys,
 * jobs and workflows. Rows of steps come last: a removal of a job holds the job when it deletes them.
 */
async function commit(
  tx: Transaction,
  changes: readonly RecordChange[],
  now: Millis,
): Promise<readonly CommitAnswer[]> {
  const keys = changes.flatMap(keysOf).filter(isNameable);
  const isOfJob = (key: RecordKey) => jobOfSteps(key) !== null;
  const locked = async (names: readonly RecordKey[]) => (names.length === 0 ? [] : tx.all(lock, namesOf(names)));
  const others = await locked(keys.filter((key) => !isOfJob(key)));
  const jobs = changes.flatMap(({ job }) => job ?? []);
  const ends = changes.flatMap(({ ends = [] }) => ends);
  if (jobs.length + ends.length > 0) {
    const found = byName(others);
    const mayFit = (change: RecordChange) =>
      change.claims || keysOf(change).some(isOfJob) || fitsIn(found, noClaims, change);
    if (!changes.some(mayFit)) return changes.map(() => false);
    const claimed = changes.flatMap(({ claims = [] }) => claims);
    const workflows = await lockAhead(
      tx,
      jobs,
      [...ends, ...claimed].map(({ id }) => id),
    );
    if (workflows.length > 0 && (jobs.length > 0 || ends.some(closes))) await lockWorkflows(tx, workflows);
  }
  const split = runs(changes);
  let held = await lockClaims(tx, split[0] ?? []);
  const before = byName([...others, ...(await locked(keys.filter(isOfJob)))]);
  const after = new Map(before);
  const answers: CommitAnswer[] = [];
  for (const [at, run] of split.entries()) {
    if (at > 0) held = await lockClaims(tx, run);
    answers.push(...(await commitRun(tx, run, { records: after, held }, now)));
  }
  write(tx, before, after);
  return answers;
}

/**
 * Locks the jobs whose claims the changes name, and answers the claims that hold. If a user's
 * transaction completes a job, the claim does not hold for a change that would end the job in another way.
 */
async function lockClaims(tx: Transaction, run: readonly RecordChange[]): Promise<Held> {
  const claiming = run.filter(({ claims = [] }) => claims.length > 0);
  if (claiming.length === 0) return noClaims;
  const claimed = claiming.flatMap(({ claims = [] }) => claims);
  const ended = new Set(claiming.flatMap(({ ends = [] }) => ends.filter(overtakes)).map(({ id }) => id));
  const [rows, completing] = await Promise.all([
    tx.query(lockClaimed, [uuids([...new Set(claimed.map(({ id }) => id))])]),
    beingCompleted(
      tx,
      claimed.map(({ id }) => id).filter((id) => ended.has(id)),
    ),
  ]);
  const held = new Map(rows.map(([id, claim]) => [text(id), integer(claim)]));
  for (const id of completing) held.delete(id);
  return held;
}

function closes({ to, reopens }: Transition): boolean {
  return isIn(to, Terminal) || reopens !== undefined;
}

/**
 * Splits changes into runs whose ends are applied at once, and then their jobs inserted: no change of a run depends on
 * an earlier one, and events keep their order.
 */
function runs(changes: readonly RecordChange[]): readonly (readonly RecordChange[])[] {
  const found: RecordChange[][] = [];
  let names = new Set<string>();
  let ended = new Set<JobId>();
  let [works, replaces] = [false, false];
  for (const change of changes) {
    const { claims = [], ends = [], job, events = [] } = change;
    const last = found.at(-1);
    const own = keysOf(change).map(nameOf);
    const isAlone =
      own.some((name) => names.has(name)) ||
      (works && ends.length > 0) ||
      (replaces && claims.length > 0) ||
      claims.some(({ id }) => ended.has(id));
    if (last === undefined || isAlone) {
      found.push([change]);
      [names, ended, works, replaces] = [new Set(), new Set(), false, false];
    } else last.push(change);
    for (const name of own) names.add(name);
    for (const { id, to } of ends) if (to !== State.active) ended.add(id);
    works ||= job !== undefined || events.length > 0;
    replaces ||= replacedKeys(job ? [job] : []).length > 0;
  }
  return found;
}

async function commitRun(
  tx: Transaction,
  run: readonly RecordChange[],
  { records, held }: { readonly records: Map<string, StoredRecord>; readonly held: Held },
  now: Millis,
): Promise<readonly CommitAnswer[]> {
  const fitting = run.filter((change) => fitsIn(records, held, change));
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

function fitsIn(records: ReadonlyMap<string, StoredRecord>, held: Held, change: RecordChange): boolean {
  return fitsChange(
    change,
    (key) => records.get(nameOf(key)) ?? null,
    (id) => {
      const claim = held.get(id);
      return claim === undefined ? null : { state: State.active, claim };
    },
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
