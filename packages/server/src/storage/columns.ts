import type { Cell, Cells } from './cells.ts';

type Read = (cell: Cell) => unknown;
/** How a column is read, behind its expression where it is not the column of this name. */
type Column = Read | readonly [expression: string, read: Read];
export type Given = Readonly<Record<string, Column>>;

/** The row that these columns are read as. */
export type RowOf<G extends Given> = {
  [N in keyof G]: G[N] extends Read
    ? ReturnType<G[N]>
    : G[N] extends readonly [string, Read]
      ? ReturnType<G[N][1]>
      : never;
};

/** A statement, and how each of its rows is read. */
export interface Select<T> {
  readonly text: string;
  readonly read: (cells: Cells) => T;
}

export interface Columns<T> {
  /** As a statement names them. */
  readonly list: string;
  readonly read: (cells: Cells) => T;
  /** Selects the columns; `rest` begins with a table. */
  from(rest: string): Select<T>;
  /** Reads the rows of a statement that has the list. */
  of(text: string): Select<T>;
  /** The same columns, and more behind them. */
  with<M extends Given>(more: M): Columns<T & RowOf<M>>;
}

/**
 * Columns of rows, named once: the names make the list of a statement, the type and the reader. A statement says
 * `lease_until` where the name is `leaseUntil`.
 */
export function columns<G extends Given>(given: G): Columns<RowOf<G>> {
  const all = Object.entries(given).map(([name, column]) => {
    const [expression, read] = typeof column === 'function' ? [snakeCase(name), column] : column;
    return { name, read, sql: aliased(expression, snakeCase(name)) };
  });
  const list = all.map(({ sql }) => sql).join(', ');
  const read = (cells: Cells) => {
    const row: Record<string, unknown> = {};
    for (let at = 0; at < all.length; at++) {
      const column = all[at];
      if (column) row[column.name] = column.read(cells[at]);
    }
    // The entries of `given` are what the type says of them; the compiler cannot follow that.
    return row as RowOf<G>;
  };
  const of = (text: string) => ({ text, read });
  return {
    list,
    read,
    of,
    from: (rest) => of(`SELECT ${list} FROM ${rest}`),
    with: (more) => columns({ ...given, ...more }),
  };
}

type Trimmed<S extends string> = S extends ` ${infer R}` | `\n${infer R}` ? Trimmed<R> : S;
type Names<S extends string, Found extends string = never> = S extends `${infer First},${infer Rest}`
  ? Names<Rest, Found | Trimmed<First>>
  : Found | Trimmed<S>;

/**
 * Columns of a statement on the hot path, where {@link columns} would cost 50 ns each: their list, and where the cell
 * of each is.
 * @param expressions of those that are not the column of their name.
 */
export function positions<S extends string>(
  names: S,
  expressions: { readonly [name in Names<S>]?: string } = {},
): { readonly list: string; readonly at: { readonly [name in Names<S>]: number } } {
  const all = names.split(',').map((name) => name.trim());
  const given: Readonly<Record<string, string | undefined>> = expressions;
  return {
    list: all.map((name) => (given[name] === undefined ? name : aliased(given[name], name))).join(', '),
    at: Object.fromEntries(all.map((name, at) => [name, at])) as { [name in Names<S>]: number },
  };
}

/** Columns that are read alike. */
export function alike<N extends string, R extends Read>(names: readonly N[], read: R): { readonly [name in N]: R } {
  return Object.fromEntries(names.map((name) => [name, read])) as { [name in N]: R };
}

function aliased(expression: string, column: string): string {
  return expression === column || expression.endsWith(`.${column}`) ? expression : `${expression} AS ${column}`;
}

export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
