import type { Millis } from '@ojs-ts/core';
import { State } from '@ojs-ts/core/job';
import type { Holder, StoredHolders } from '@ojs-ts/core/lifecycle';
import { integer } from '../cells.ts';
import type { Connection } from './disk/connection.ts';
import { statements } from './statements.ts';

/** The holders of unique keys, as the transaction sees them. */
export function storedHolders(sql: Connection): StoredHolders {
  return {
    all: (key) => unfinishedStates.flatMap((state) => holders(sql, key, state, null, -1)),
    oldest: (key, state, after) => holders(sql, key, state, after, 1)[0] ?? null,
  };
}

const unfinishedStates = [State.scheduled, State.available, State.pending, State.active, State.retryable] as const;

/**
 * The holders of a key in a state that were created after `after`, the oldest first; all of them with a limit of -1.
 */
function holders(sql: Connection, key: string, state: State, after: Millis | null, limit: number): readonly Holder[] {
  return sql
    .values(statements.holders, key, state, after ?? Number.MIN_SAFE_INTEGER, limit)
    .flatMap((number) => sql.get(statements.byNumber, integer(number)) ?? []);
}
