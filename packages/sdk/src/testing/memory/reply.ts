import { type Call, isObject, type Json, ProtocolError, readJson, type ValidationIssue } from '@ojs-ts/core';
import type { Wire } from '../../json.ts';

/** An answer before it has its common headers. */
export interface Reply {
  readonly status: number;
  readonly text: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

export function ok(text: Json): Reply {
  return { status: 200, text };
}

export function json(value: unknown, status = 200): Reply {
  return { status, text: JSON.stringify(value) };
}

/** @throws ProtocolError `invalid_payload` */
export function bodyOf({ body }: Call): Json {
  if (body === undefined || body === '')
    throw new ProtocolError('invalid_payload', 'The request body is empty; expected a JSON object.');
  return body;
}

/** @throws ProtocolError `invalid_payload` */
export function fieldsOf(call: Call): Wire {
  const value = readJson(bodyOf(call), 'The request body');
  if (!isObject(value)) throw new ProtocolError('invalid_payload', 'The request body must be a JSON object.');
  return value;
}

export function param({ params }: Call, name: string): string {
  return params?.[name] ?? '';
}

export function listed({ query }: Call, ...names: readonly string[]): readonly string[] {
  const text = names.map((name) => query?.[name]).find((value) => value !== undefined && value !== '');
  return text === undefined ? [] : String(text).split(',');
}

/**
 * One page of a list whose cursor is the number of the item that comes next. @throws ProtocolError `invalid_request`
 */
export function pageOf<T>(
  { query = {} }: Call,
  all: readonly T[],
): { readonly items: readonly T[]; readonly pagination: object } {
  const issues: ValidationIssue[] = [];
  const read = (name: string, min: number): number | null => {
    const value = query[name];
    if (value === undefined || value === '') return null;
    if (/^\d{1,9}$/.test(String(value)) && Number(value) >= min) return Number(value);
    issues.push({ path: name, message: `must be a whole number of at least ${min}` });
    return null;
  };
  const limit = Math.min(read('limit', 1) ?? 50, 1_000);
  const offset = read('offset', 0) ?? 0;
  const from = read('cursor', 0) ?? offset;
  if (issues.length > 0) throw ProtocolError.invalid(issues);
  const items = all.slice(from, from + limit);
  const next = from + items.length < all.length ? String(from + items.length) : null;
  const pagination = {
    total: all.length,
    limit,
    offset,
    page: Math.floor(offset / limit) + 1,
    per_page: limit,
    has_more: next !== null,
    ...(next !== null && { next_cursor: next }),
    count: items.length,
  };
  return { items, pagination };
}
