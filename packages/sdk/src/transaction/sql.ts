/** A row by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

interface Sql {
  readonly dialect: 'postgres' | 'sqlite';
  /** Runs one statement with the values of `$1`, `$2`, … */
  query(text: string, values: readonly SqlValue[]): Promise<readonly Row[]>;
}

/** Access to an open transaction. Adapters such as `pgTransaction` make one from a driver or query builder. */
export interface SqlTransaction extends Sql {
  readonly isDatabase?: never;
}

/** Access to a database for a relay; each statement commits by itself. Adapters such as `pgDatabase` make one. */
export interface SqlDatabase extends Sql {
  readonly isDatabase: true;
}

/** A value bound to a statement. */
export type SqlValue = string | number | null;

export function rowsOf(value: unknown): readonly Row[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'object' && value !== null && 'rows' in value && Array.isArray(value.rows)) return value.rows;
  return [];
}

export interface Statement {
  readonly text: string;
  readonly values: readonly SqlValue[];
  /** If set, the statement writes and returns a row only in a transaction that has written before or has this mark. */
  readonly mark?: string;
}
