/** A row by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** The way into somebody's transaction, or, for a relay, to their database. An adapter makes one of what a driver or query builder gives. */
export interface SqlTransaction {
  readonly dialect: 'postgres' | 'sqlite';
  /** Runs one statement with the values of `$1`, `$2`, … */
  query(text: string, values: readonly SqlValue[]): Promise<readonly Row[]>;
}

/** What is bound to a statement. */
export type SqlValue = string | number | null;

export function rowsOf(value: unknown): readonly Row[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'object' && value !== null && 'rows' in value && Array.isArray(value.rows)) return value.rows;
  return [];
}
