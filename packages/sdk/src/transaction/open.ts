import { OJSValidationError } from '../errors.ts';
import type { Statement } from './sql.ts';

/*
 * PostgreSQL has no function that says whether a transaction block is open. Two facts show it: outside of a block, a
 * statement has no transaction id before it writes, and a transaction-local setting is gone after the statement.
 */

const setting = `current_setting('ojs.transaction', true)`;

/** Marks the transaction. A statement outside of a transaction leaves no mark. */
export const setMark = (parameter: number) => `set_config('ojs.transaction', $${parameter}::text, true)`;

/** True in the transaction that was marked. */
export const isMarked = (parameter: number) => `${setting} IS NOT DISTINCT FROM $${parameter}::text`;

/** True in a transaction that has written before, which needs no mark, and in a marked one. */
export const isOpen = (parameter: number) => `(pg_current_xact_id_if_assigned() IS NOT NULL OR ${isMarked(parameter)})`;

export function markStatement(mark: string): Statement {
  return { text: `SELECT ${setMark(1)} AS mark`, values: [mark] };
}

export function markedStatement(mark: string): Statement {
  return { text: `SELECT 1 AS marked WHERE ${isMarked(1)}`, values: [mark] };
}

export function notOpen(what: 'enqueue' | 'complete' | 'step'): OJSValidationError {
  return OJSValidationError.of(
    'tx',
    `no transaction is open on this client: send BEGIN first, and await ${what}() before COMMIT. Nothing was written`,
  );
}
