import type { Millis } from '@ojs-ts/core';
import {
  type CommitAnswer,
  fitsChange,
  type RecordChange,
  type RecordKey,
  type StoredRecord,
} from '@ojs-ts/core/memory';
import type { Records } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import type { GroupCommit } from './disk/group-commit.ts';
import { insertGroup } from './insert.ts';
import { move, standing } from './move.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

/** The largest character: no key begins with it. */
const end = '\u{10ffff}';

export function records(sql: Connection, store: GroupCommit): Records {
  return {
    get: (keys) => store.read(() => keys.map((key) => find(sql, key))),

    scan: (kind, { from, backwards = false, skip = 0, limit }) =>
      store.read(() =>
        sql.all(
          backwards ? statements.recordsDown : statements.recordsUp,
          kind,
          from ?? (backwards ? end : ''),
          limit,
          skip,
        ),
      ),

    commit: (changes, now = 0) =>
      store.write((tx) => {
        const answers = changes.map((change) => commit(tx, change, now));
        tx.end(now);
        return answers;
      }),
  };
}

function commit(tx: Transaction, change: RecordChange, now: Millis): CommitAnswer {
  const { sql } = tx;
  const { puts = [], deletes = [], ends = [], job, events = [] } = change;
  const isFitting = fitsChange(
    change,
    (key) => find(sql, key),
    (id) => standing(tx, id),
  );
  if (!isFitting) return false;
  for (const end of ends) move(tx, end, now);
  const [inserted] = job ? insertGroup(tx, [job], now, { always: true }) : [];
  if (inserted && inserted.kind !== 'inserted') return inserted;
  tx.log.add(events);
  for (const { kind, key } of deletes) sql.change(statements.deleteRecord, kind, key);
  for (const put of puts) putRecord(sql, put);
  return true;
}

function find(sql: Connection, { kind, key }: RecordKey): StoredRecord | null {
  return sql.get(statements.record, kind, key) ?? null;
}

function putRecord(sql: Connection, { kind, key, version, createdAt, updatedAt, body }: StoredRecord): void {
  sql.change(statements.putRecord, kind, key, version, createdAt, updatedAt, body);
}
