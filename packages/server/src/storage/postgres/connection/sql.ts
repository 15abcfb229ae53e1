import { randomUUID } from 'node:crypto';
import type { Cell, Cells } from '../../cells.ts';
import type { Select } from '../../columns.ts';

/** The driver returns an array as one of cells. */
export function arrayOf<T>(read: (cell: Cell) => T): (cell: Cell) => readonly T[] {
  return (cell) => {
    if (Array.isArray(cell)) return cell.map(read);
    throw new TypeError(`PostgreSQL: expected an array, found ${cell === null ? 'null' : typeof cell}.`);
  };
}

/** Sends one statement, within a transaction or without. */
export abstract class Reader {
  /** Cells are as the driver returns them: numbers (64-bit ones too), texts, booleans, null. */
  abstract query(text: string, values?: readonly unknown[]): Promise<readonly Cells[]>;

  async all<T>({ text, read }: Select<T>, values?: readonly unknown[]): Promise<readonly T[]> {
    return (await this.query(text, values)).map(read);
  }

  async get<T>(statement: Select<T>, values?: readonly unknown[]): Promise<T | undefined> {
    return (await this.all(statement, values))[0];
  }

  /** The column of a statement that has only one. */
  async values(text: string, values?: readonly unknown[]): Promise<readonly Cell[]> {
    return (await this.query(text, values)).map(([cell]) => cell);
  }

  /** Undefined without a row. */
  async value(text: string, values?: readonly unknown[]): Promise<Cell> {
    return (await this.values(text, values))[0];
  }
}

/**
 * Array parameters as PostgreSQL reads them. The driver's own arrays quote and escape every number too. An array in
 * which nothing is set becomes null: `unnest` fills that column with nulls.
 */
export function numbers(values: readonly (number | null)[]): string | null {
  if (!values.some((value) => value !== null)) return null;
  // A text that grows by one value after the other is 60 bytes a value of short-lived memory.
  return `{${(values.includes(null) ? values.map((value) => value ?? 'NULL') : values).join(',')}}`;
}

export function flags(values: readonly boolean[]): string | null {
  return values.includes(true) ? `{${values.join(',')}}` : null;
}

const special = /["\\]/g;

export function texts(values: readonly (string | null)[]): string | null {
  if (!values.some((value) => value !== null)) return null;
  // Neighbours are often the same, as the workflow of ten thousand jobs.
  let last: string | null = null;
  let quoted = 'NULL';
  const cells = values.map((value) => {
    if (value !== last) {
      last = value;
      quoted = value === null ? 'NULL' : `"${value.replace(special, '\\$&')}"`;
    }
    return quoted;
  });
  return `{${cells.join(',')}}`;
}

/** Characters that no JSON text has as such. */
const separator = '\x1e';
const nothing = '\x1f';

/**
 * Columns of texts that are not empty as parameters of `string_to_array`: separator, the text that represents null, one
 * text a column. PostgreSQL cuts them at a separator, where it reads an array of quoted texts letter by letter.
 */
export function joined(...columns: readonly (readonly (string | null)[])[]): readonly unknown[] {
  const isPlain = columns.every((values) =>
    values.every((value) => value === null || !(value.includes(separator) || value.includes(nothing))),
  );
  const mark = isPlain ? '' : randomUUID();
  const [between, absent] = [separator + mark, nothing + mark];
  const whole = (values: readonly (string | null)[]) =>
    values.every((value) => value === null) ? null : values.map((value) => value ?? absent).join(between);
  return [between, absent, ...columns.map(whole)];
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return uuid.test(text);
}

/** The ids that can be in a column of UUIDs; a text that is no UUID is the id of no job. */
export function uuids(values: readonly string[]): string {
  return `{${values.filter((value) => uuid.test(value)).join(',')}}`;
}

/** Reports whether PostgreSQL can store the text; a text with a NUL is never a name. */
export function isStorable(text: string): boolean {
  return !text.includes('\0');
}

/**
 * The condition of a join that looks the rows of a table up by an index, one look-up for each row of the other side.
 * With a plain equality the planner may scan the whole table: the cheapest plan while the table is almost empty, and
 * the plan is kept when the table has grown.
 */
export function indexJoin(column: string, value: string): string {
  return `${column} = ANY (ARRAY[${value}])`;
}

/**
 * The condition of the indexes of `due` and `ended` by time. Only statements with it use them, or with a constant
 * state, which implies it.
 */
export const byTime = 'state > 0';
