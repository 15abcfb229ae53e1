import { ProtocolError } from '../errors.ts';

/** The allowed values of a field. */
export interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The end of `*` and `n/step`, `max` by default: 7 is a second name of Sunday, not an eighth day. */
  readonly end?: number;
  /** Three-letter names of the values from `min` on. */
  readonly names?: readonly string[];
}

export const second: Field = { name: 'second', min: 0, max: 59 };
export const minute: Field = { name: 'minute', min: 0, max: 59 };
export const hour: Field = { name: 'hour', min: 0, max: 23 };
export const dayOfMonth: Field = { name: 'day of month', min: 1, max: 31 };
export const month: Field = {
  name: 'month',
  min: 1,
  max: 12,
  names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
};
export const dayOfWeek: Field = {
  name: 'day of week',
  min: 0,
  max: 7,
  end: 6,
  names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
};

/** Refuses the expression at `path`. The message has the field, the mistake and what was expected. */
export type Refuse = (field: Field | null, problem: string) => never;

export function refuseAt(path: string): Refuse {
  return (field, problem) => {
    throw ProtocolError.invalid([{ path, message: field === null ? problem : `${field.name}: ${problem}` }]);
  };
}

/** The comma-separated items of a field. */
export function itemsOf(text: string, field: Field, refuse: Refuse): readonly string[] {
  const items = text.split(',');
  if (items.includes('')) refuse(field, `${JSON.stringify(text)} has an empty item; expected ${expectation(field)}`);
  return items;
}

/** The values of a field without L, W and #, sorted. */
export function readField(text: string, field: Field, refuse: Refuse): readonly number[] {
  const values = new Set(itemsOf(text, field, refuse).flatMap((item) => readItem(item, field, refuse)));
  return [...values].sort((a, b) => a - b);
}

const syntax = /^(?:\*|([A-Z0-9]+)(?:-([A-Z0-9]+))?)(?:\/([0-9]+))?$/i;

/**
 * The values of one item: `*`, a value, `a-b`, each with an optional `/step`. A step after a single value continues to
 * the end of the field.
 */
export function readItem(item: string, field: Field, refuse: Refuse): readonly number[] {
  const match = syntax.exec(item);
  if (match === null) return refuse(field, `${JSON.stringify(item)} is no cron syntax; expected ${expectation(field)}`);
  const [, from, to, by] = match;
  const step = by === undefined ? 1 : Number(by);
  if (step === 0) refuse(field, `the step of ${item} is 0; expected 1 or more`);
  const end = field.end ?? field.max;
  if (from === undefined) return range(field.min, end, step);
  const first = numberOf(from, field, refuse);
  if (to !== undefined)
    return range(first, lastOf(first, to, item, field, refuse), step).map((value) => fold(value, field));
  return range(fold(first, field), by === undefined ? fold(first, field) : end, step);
}

function lastOf(first: number, text: string, item: string, field: Field, refuse: Refuse): number {
  const value = numberOf(text, field, refuse);
  if (first <= value) return value;
  if (fold(field.max, field) === value && text.toUpperCase() === field.names?.[0]) return field.max; // FRI-SUN is 5-7
  return refuse(
    field,
    `the range ${item} runs backwards; expected the smaller value first, or two ranges with a comma`,
  );
}

/** A number or name within the field. */
export function numberOf(text: string, field: Field, refuse: Refuse): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return field.min + named;
  if (!/^[0-9]+$/.test(text))
    return refuse(field, `${JSON.stringify(text)} is no value; expected ${expectation(field)}`);
  const value = Number(text);
  if (value < field.min || value > field.max) refuse(field, `${text} is out of range; expected ${bounds(field)}`);
  return value;
}

/** Replaces the second number of a value by its first one. */
export function fold(value: number, field: Field): number {
  return value > (field.end ?? field.max) ? field.min : value;
}

function range(from: number, to: number, step: number): number[] {
  const values: number[] = [];
  for (let value = from; value <= to; value += step) values.push(value);
  return values;
}

function bounds(field: Field): string {
  const names = field.names === undefined ? '' : ` or ${field.names[0]}-${field.names.at(-1)}`;
  return `${field.min}-${field.max}${names}`;
}

const extras: ReadonlyMap<Field, string> = new Map([
  [dayOfMonth, ', L, L-3, 15W, LW'],
  [dayOfWeek, ', 5L, 5#3'],
]);

function expectation(field: Field): string {
  return `*, ${bounds(field)}, a-b, */n, a-b/n${extras.get(field) ?? ''}, or a list of these with commas`;
}
