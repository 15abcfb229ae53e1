import { State } from '@ojs-ts/core/job';

/** A value of a row as a driver gives it. */
export type Cell = unknown;

export type Cells = readonly Cell[];

/** @throws TypeError for anything but a number: the layout is not what this code expects. */
export function integer(cell: Cell): number {
  if (typeof cell === 'number') return cell;
  throw new TypeError(`The store: expected a number, found ${cell === null ? 'null' : typeof cell}.`);
}

export function integerOrNull(cell: Cell): number | null {
  return cell === null ? null : integer(cell);
}

export function text(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  throw new TypeError(`The store: expected a text, found ${cell === null ? 'null' : typeof cell}.`);
}

export function textOrNull(cell: Cell): string | null {
  return cell === null ? null : text(cell);
}

/** SQLite has no booleans: there 0 is false and 1 is true. */
export function flag(cell: Cell): boolean {
  if (typeof cell === 'boolean') return cell;
  return integer(cell) !== 0;
}

const stateOfBit = new Map<number, State>(Object.values(State).map((bit) => [bit, bit]));

export function state(cell: Cell): State {
  const found = stateOfBit.get(integer(cell));
  if (found !== undefined) return found;
  throw new TypeError(`The store: ${String(cell)} is not the bit of a state.`);
}

/** @throws TypeError for anything but the JSON text of an array. */
export function readTexts(json: string): readonly string[] {
  return readArray(json).map(String);
}

export function readNumbers(json: string): readonly number[] {
  return readArray(json).map(Number);
}

function readArray(json: string): readonly unknown[] {
  const items: unknown = JSON.parse(json);
  if (Array.isArray(items)) return items;
  throw new TypeError(`The store: expected the text of an array, found ${json.slice(0, 40)}.`);
}
