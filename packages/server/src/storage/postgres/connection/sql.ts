/** Cells as the driver returns them: numbers (64-bit ones too), texts, booleans, null. */
export type Cells = readonly unknown[];

/** Sends one statement, within a transaction or without. */
export type Reader = (text: string, values: readonly unknown[]) => Promise<readonly Cells[]>;

/**
 * Array parameters as PostgreSQL reads them. The driver's own arrays quote and escape every number too. An array in
 * which nothing is set becomes null: `unnest` fills that column with nulls.
 */
export function numbers(values: readonly (number | null)[]): string | null {
  let set = false;
  let text = '{';
  for (const value of values) {
    if (text.length > 1) text += ',';
    if (value === null) text += 'NULL';
    else {
      set = true;
      text += value;
    }
  }
  return set ? `${text}}` : null;
}

export function flags(values: readonly boolean[]): string | null {
  return values.includes(true) ? `{${values.join(',')}}` : null;
}

const special = /["\\]/g;

export function texts(values: readonly (string | null)[]): string | null {
  let set = false;
  let text = '{';
  for (const value of values) {
    if (text.length > 1) text += ',';
    if (value === null) text += 'NULL';
    else {
      set = true;
      text += `"${value.replace(special, '\\$&')}"`;
    }
  }
  return set ? `${text}}` : null;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The ids that can be in a column of UUIDs; a text that is no UUID is the id of no job. */
export function uuids(values: readonly string[]): string {
  return `{${values.filter((value) => uuid.test(value)).join(',')}}`;
}

/** Whether PostgreSQL can store the text; a text with a NUL is the name of nothing. */
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
