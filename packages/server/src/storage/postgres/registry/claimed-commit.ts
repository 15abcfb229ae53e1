import { jobOfSteps } from '@ojs-ts/core/durable';
import type { CommitAnswer, RecordChange, RecordKey, StoredRecord } from '@ojs-ts/core/memory';
import { integer } from '../../cells.ts';
import { recordColumns } from '../../rows.ts';
import type { Database } from '../connection/database.ts';
import { flags, indexJoin, isStorable, isUuid, numbers, texts } from '../connection/sql.ts';

const { list } = recordColumns;

/**
 * Changes that record the steps of jobs, as one statement. `$1` to `$3` are the claims, `$4` to `$13` the records, each
 * with the place of its change. Claims are locked before records: each look-up is a row of a CTE, in the order of the
 * parameters, and locks what it finds. After a wait it reads the newest version of that row. A record that was inserted
 * since is not found: its put then fails, and with it the statement.
 */
const commitClaimed = `WITH held AS MATERIALIZED (
    SELECT at, claim = (SELECT claim FROM ojs.active WHERE active.id = given.id
      AND NOT EXISTS (SELECT FROM ojs.inbox_completions AS done
        WHERE done.id = given.id AND done.claim = given.claim)
      FOR KEY SHARE OF active) AS holds
    FROM unnest($1::integer[], $2::uuid[], $3::integer[]) AS given (at, id, claim)),
  found AS MATERIALIZED (
    SELECT given.*, (SELECT version FROM ojs.records AS record
      WHERE record.kind = given.kind AND record.key = given.key FOR UPDATE) AS was
    FROM unnest($4::integer[], $5::boolean[], $6::bigint[], $7::boolean[], $8::text[], $9::text[], $10::bigint[],
      $11::bigint[], $12::bigint[], $13::text[]) AS given (at, checks, expected, puts, ${list})
    WHERE (SELECT count(*) FROM held WHERE holds) > 0),
  refused AS MATERIALIZED (
    SELECT at FROM held WHERE holds IS NOT TRUE
    UNION SELECT at FROM found WHERE coalesce(checks, false) AND was IS DISTINCT FROM expected),
  put AS MATERIALIZED (SELECT * FROM found WHERE coalesce(puts, false) AND at NOT IN (SELECT at FROM refused)),
  added AS (INSERT INTO ojs.records (${list}) SELECT ${list} FROM put WHERE was IS NULL),
  replaced AS (UPDATE ojs.records AS record SET version = put.version, created_at = put.created_at,
      updated_at = put.updated_at, body = put.body
    FROM put WHERE was IS NOT NULL
      AND ${indexJoin('record.kind', 'put.kind')} AND ${indexJoin('record.key', 'put.key')})
  SELECT at FROM refused`;

interface Row {
  readonly at: number;
  readonly name: RecordKey;
  check?: { readonly version: number | null };
  put?: StoredRecord;
}

/** The answers of changes that only check claims and records, and put records; null if one of them does more. */
export async function commitAtOnce(
  database: Database,
  changes: readonly RecordChange[],
): Promise<readonly CommitAnswer[] | null> {
  const rows = rowsOf(changes);
  if (rows === null || changes.length === 0) return null;
  const claims = changes
    .flatMap(({ claims = [] }, at) => claims.map((one) => ({ at, ...one })))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (!claims.every(({ id }) => isUuid(id))) return null;
  const puts = rows.map(({ put }) => put ?? null);
  const refused = await database.alone(
    {
      text: commitClaimed,
      values: [
        numbers(claims.map(({ at }) => at)),
        texts(claims.map(({ id }) => id)),
        numbers(claims.map(({ claim }) => claim)),
        numbers(rows.map(({ at }) => at)),
        flags(rows.map(({ check }) => check !== undefined)),
        numbers(rows.map(({ check }) => check?.version ?? null)),
        flags(puts.map((put) => put !== null)),
        texts(rows.map(({ name }) => name.kind)),
        texts(rows.map(({ name }) => name.key)),
        numbers(puts.map((put) => put?.version ?? null)),
        numbers(puts.map((put) => put?.createdAt ?? null)),
        numbers(puts.map((put) => put?.updatedAt ?? null)),
        texts(puts.map((put) => put?.body ?? null)),
      ],
    },
    () => ({ woken: new Set(), logged: false, taken: 0 }),
  );
  if (refused === null) return null;
  const places = new Set(refused.map(([at]) => integer(at)));
  return changes.map((_, at) => !places.has(at));
}

/** The records of the changes in the order of their locks; null if a change does more, or two share a record. */
function rowsOf(changes: readonly RecordChange[]): readonly Row[] | null {
  const rows = new Map<string, Row>();
  for (const [
    at,
    { checks = [], claims = [], puts = [], deletes = [], ends = [], job, events = [] },
  ] of changes.entries()) {
    if (claims.length === 0 || deletes.length + ends.length + events.length > 0 || job !== undefined) return null;
    const rowOf = (name: RecordKey): Row | null => {
      const id = `${name.kind}\0${name.key}`;
      const row = rows.get(id) ?? { at, name };
      rows.set(id, row);
      // Other records are locked before jobs, and these behind them.
      return row.at === at && isStorable(name.key) && jobOfSteps(name) !== null ? row : null;
    };
    for (const check of checks) {
      const row = rowOf(check);
      if (row === null || row.check !== undefined) return null;
      row.check = check;
    }
    for (const put of puts) {
      const row = rowOf(put);
      if (row === null) return null;
      row.put = put;
    }
  }
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
