/** A row by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

interface Sql {
  readonly dialect: 'postgres' | 'sqlite';
  /** Runs one statement with the values of `$1`, `$2`, … */
  query(text: string, values: readonly SqlValue[]): Promise<readonly Row[]>;
}

/**
 * The way into somebody's transaction. An adapter such as `pgTransaction` makes one of what a driver or query builder
 * gives.
 */
export interface SqlTransaction extends Sql {
  readonly isDatabase?: never;
}

/** The way to somebody's database, for a relay: each statement by itself. An adapter such as `pgDatabase` makes one. */
export interface SqlDatabase extends Sql {
  readonly isDatabase: true;
}

/** What is bound to a statement. */
export type SqlValue = string | number | null;

export function rowsOf(value: unknown): readonly Row[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'object' && value !== null && 'rows' in value && Array.isArray(value.rows)) return value.rows;
  return [];
}

export interface Statement {
  readonly text: string;
  readonly values: readonly SqlValue[];
  /**
   * Given where the statement writes, and answers a row, only in a transaction that has written before or has this
   * mark.
   */
  readonly mark?: string;
}
