import type { Packed } from './msgpack.ts';

/** The allowed answers of an operation without a parameter: texts, small integers, null, and lists of them. */
export type Reply = string | number | null | readonly Reply[];

export type Members = { readonly [name: string]: Packed | undefined };

export function listOf(packed: Packed | undefined): readonly Packed[] {
  if (Array.isArray(packed)) return packed;
  throw wrong('a list', packed);
}

export function membersOf(packed: Packed | undefined): Members {
  if (isMembers(packed)) return packed;
  throw wrong('a map', packed);
}

function isMembers(packed: Packed | undefined): packed is Members {
  return typeof packed === 'object' && packed !== null && !Array.isArray(packed) && !Buffer.isBuffer(packed);
}

export function text(packed: Packed | undefined): string {
  if (typeof packed === 'string') return packed;
  throw wrong('a text', packed);
}

export function number(packed: Packed | undefined): number {
  if (typeof packed === 'number') return packed;
  throw wrong('a number', packed);
}

/** Integers come as such, or as their digits where they may be larger than a reply of Lua keeps. */
export function integer(packed: Packed | undefined): number {
  const value = typeof packed === 'string' && packed !== '' ? Number(packed) : packed;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw wrong('an integer', packed);
}

export function integerOrNull(packed: Packed | undefined): number | null {
  return isAbsent(packed) ? null : integer(packed);
}

/** A value that is absent in Lua is missing in a map, and `false` in a list. */
export function isAbsent(packed: Packed | undefined): packed is undefined | null | false {
  return packed === undefined || packed === null || packed === false;
}

export function textOrNull(packed: Packed | undefined): string | null {
  return isAbsent(packed) ? null : text(packed);
}

export function numberOrNull(packed: Packed | undefined): number | null {
  return isAbsent(packed) ? null : number(packed);
}

export function wrong(expected: string, packed: Packed | undefined): TypeError {
  return new TypeError(`Redis: a script answered ${JSON.stringify(packed)}; expected ${expected}.`);
}

export function bytesOf(packed: Packed | undefined): Buffer {
  if (Buffer.isBuffer(packed)) return packed;
  throw wrong('bytes', packed);
}
