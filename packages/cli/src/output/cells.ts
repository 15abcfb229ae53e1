import { isObject, parseDuration } from '@ojs-ts/core';
import { plain } from './plain.ts';

/** An item of an answer, parsed. */
export type Item = Readonly<Record<string, unknown>>;

/** The member as text, empty if it is missing. */
export function text(item: Item, name: string): string {
  const value = item[name];
  return typeof value === 'string' ? plain(value) : value === null || value === undefined ? '' : String(value);
}

export function count(item: Item, name: string): string {
  const value = item[name];
  return typeof value === 'number' ? value.toLocaleString('en-US') : '0';
}

/** The member as a number, 0 if it is none. */
export function numberIn(item: Item, name: string): number {
  const value = item[name];
  return typeof value === 'number' ? value : 0;
}

/** The member as an object; empty if it is none. */
export function part(item: Item, name: string): Item {
  const value = item[name];
  return isObject(value) ? value : {};
}

export function list(item: Item, name: string): readonly unknown[] {
  const value = item[name];
  return Array.isArray(value) ? value : [];
}

/** `1 job`, `2,000 jobs`. */
export function counted(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`;
}

/** A text that fits into a column. */
export function clipped(text: string, most = 60): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Percentiles of durations; a dash where nothing was measured. */
export function percentiles(item: Item, name: string): string {
  const durations = part(item, name);
  if (typeof durations.p50 !== 'number') return '-';
  return ['p50', 'p95', 'p99'].map((share) => `${share} ${count(durations, share)} ms`).join(', ');
}

/** Milliseconds; empty if nothing was measured. */
export function millis(item: Item, name: string): string {
  return typeof item[name] === 'number' ? `${count(item, name)} ms` : '';
}

/** Bytes as mebibytes; empty if nothing was measured. */
export function bytes(item: Item, name: string): string {
  return typeof item[name] === 'number'
    ? `${Math.ceil(numberIn(item, name) / 1_048_576).toLocaleString('en-US')} MiB`
    : '';
}

/** The texts of a list, by commas. */
export function texts(item: Item, name: string): string {
  return list(item, name)
    .map((one) => plain(String(one)))
    .join(', ');
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** An ISO 8601 duration as a user types one: `7d`, `1m 30s`. */
export function duration(item: Item, name: string): string {
  const given = text(item, name);
  let left = parseDuration(given);
  if (left === null || left % 1_000 !== 0 || left === 0) return given;
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const amount = Math.floor(left / size);
    if (amount > 0) parts.push(`${amount}${unit}`);
    left %= size;
  }
  return parts.join(' ');
}

/** How far a timestamp is away from now, in its largest unit: `3m`, and `in 2h` for one that comes. */
export function age(item: Item, name: string, now = Date.now()): string {
  const at = Date.parse(text(item, name));
  if (Number.isNaN(at)) return '';
  const ms = Math.abs(now - at);
  const [unit, size] = units.find(([, size]) => ms >= size) ?? ['s', 1_000];
  const amount = `${Math.floor(ms / size)}${unit}`;
  return at > now + 999 ? `in ${amount}` : amount;
}

/** A timestamp and how far away it is. */
export function moment(item: Item, name: string): string {
  const at = text(item, name);
  return at === '' ? '' : `${at} (${age(item, name)})`;
}
