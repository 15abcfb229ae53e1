import type { Millis } from '@ojs-ts/core';
import type { LimitNumbers } from '@ojs-ts/core/job';
import { noNumbers, numbersText } from '@ojs-ts/core/lifecycle';
import { type Cells, integer, text } from '../../cells.ts';
import { positions } from '../../columns.ts';
import { limitNumbers, limitNumbersOrNull } from '../../rows.ts';
import { indexJoin, numbers, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';

/** The limit of one key within the transaction. */
export interface Row {
  readonly key: string;
  own: LimitNumbers;
  override: LimitNumbers | null;
  active: number;
  waiting: number;
  jobs: number;
  started: number;
  lastStart: Millis;
  /** When the rates allow the next start; in the past where they hold nothing back. */
  reopensAt: Millis;
  usedAt: Millis;
  /** Starts by their number, as far as the rates need them. */
  starts: Map<number, Millis> | null;
  changed: boolean;
  /** True if the row is not in the table yet. */
  fresh: boolean;
}

const { list, at } = positions('key, own, override, active, waiting, jobs, started, last_start, reopens_at, used_at');
const read = `SELECT ${list} FROM ojs.limits WHERE key = ANY ($1::text[])`;
const given = `unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[], $7::bigint[], $8::bigint[],
  $9::bigint[], $10::bigint[])`;
const insert = `INSERT INTO ojs.limits (${list}) SELECT * FROM ${given}`;
const update = `UPDATE ojs.limits SET own = changed.own, override = changed.override, active = changed.active,
  waiting = changed.waiting,
    jobs = changed.jobs, started = changed.started, last_start = changed.last_start, reopens_at = changed.reopens_at,
    used_at = changed.used_at
  FROM ${given} AS changed (${list}) WHERE ${indexJoin('limits.key', 'changed.key')}`;

export async function readRows(tx: Transaction, keys: readonly string[]): Promise<readonly Row[]> {
  return (await tx.query(read, [texts(keys)])).map(readRow);
}

/** Writes the rows that have changed. */
export function writeRows(tx: Transaction, rows: readonly Row[]): void {
  const changed = rows.filter((row) => row.changed);
  for (const [statement, rows] of [
    [insert, changed.filter(({ fresh }) => fresh)],
    [update, changed.filter(({ fresh }) => !fresh)],
  ] as const) {
    if (rows.length === 0) continue;
    tx.write(statement, [
      texts(rows.map(({ key }) => key)),
      texts(rows.map(({ own }) => numbersText(own))),
      texts(rows.map(({ override }) => (override === null ? null : numbersText(override)))),
      numbers(rows.map(({ active }) => active)),
      numbers(rows.map(({ waiting }) => waiting)),
      numbers(rows.map(({ jobs }) => jobs)),
      numbers(rows.map(({ started }) => started)),
      numbers(rows.map(({ lastStart }) => lastStart)),
      numbers(rows.map(({ reopensAt }) => reopensAt)),
      numbers(rows.map(({ usedAt }) => usedAt)),
    ]);
  }
  for (const row of changed) {
    row.changed = false;
    row.fresh = false;
  }
}

export function freshRow(key: string): Row {
  return {
    key,
    own: noNumbers,
    override: null,
    active: 0,
    waiting: 0,
    jobs: 0,
    started: 0,
    lastStart: 0,
    reopensAt: 0,
    usedAt: 0,
    starts: null,
    changed: true,
    fresh: true,
  };
}

function readRow(cells: Cells): Row {
  return {
    key: text(cells[at.key]),
    own: limitNumbers(cells[at.own]),
    override: limitNumbersOrNull(cells[at.override]),
    active: integer(cells[at.active]),
    waiting: integer(cells[at.waiting]),
    jobs: integer(cells[at.jobs]),
    started: integer(cells[at.started]),
    lastStart: integer(cells[at.last_start]),
    reopensAt: integer(cells[at.reopens_at]),
    usedAt: integer(cells[at.used_at]),
    starts: null,
    changed: false,
    fresh: false,
  };
}
