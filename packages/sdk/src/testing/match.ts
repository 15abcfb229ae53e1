import { isObject, type NamesOf } from '@ojs-ts/core';
import type { Job } from '../job/job.ts';
import type { JsonArray, Meta } from '../json.ts';

/** The fields that an assertion compares, besides the job type. Omitted fields match anything. */
export interface Match {
  /**
   * Compared as JSON: the order of keys does not matter, and a Date equals its text. Matchers with `asymmetricMatch`
   * work, such as `expect.any(String)`.
   */
  args?: JsonArray | undefined;
  queue?: string | undefined;
  /** Fields that `meta` must have. It may have others. */
  meta?: Meta | undefined;
  /** The exact number of matching jobs. Default: at least one. */
  count?: number | undefined;
}

export const matchNames: NamesOf<Match> = { args: true, queue: true, meta: true, count: true };

/** The reason why the job does not match; null if it does. */
export function mismatch(job: Job, type: string | undefined, { args, queue, meta }: Match): string | null {
  if (type !== undefined && job.type !== type) return `type: expected ${type}, got ${job.type}`;
  if (queue !== undefined && job.queue !== queue) return `queue: expected ${queue}, got ${job.queue}`;
  const inArgs = args === undefined ? null : difference(args, job.args, 'args');
  if (inArgs !== null) return inArgs;
  for (const [name, value] of Object.entries(meta ?? {})) {
    const inMeta = difference(value, job.meta[name], `meta.${name}`);
    if (inMeta !== null) return inMeta;
  }
  return null;
}

/** The first place where a JSON value differs from the expected one; null if there is none. */
export function difference(expected: unknown, actual: unknown, path: string): string | null {
  if (isMatcher(expected)) return expected.asymmetricMatch(actual) ? null : unequal(expected, actual, path);
  if (hasToJson(expected)) return difference(expected.toJSON(), actual, path);
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return unequal(expected, actual, path);
    if (expected.length !== actual.length)
      return `${path}: expected ${expected.length} elements, got ${actual.length}: ${show(actual)}`;
    return first(expected.keys(), (index) => difference(expected[index] ?? null, actual[index], `${path}[${index}]`));
  }
  if (isObject(expected)) {
    if (!isObject(actual)) return unequal(expected, actual, path);
    const names = new Set([
      ...Object.keys(expected).filter((name) => expected[name] !== undefined),
      ...Object.keys(actual),
    ]);
    return first(names, (name) => difference(expected[name], actual[name], `${path}.${name}`));
  }
  return asJson(expected) === actual ? null : unequal(expected, actual, path);
}

function first<T>(items: Iterable<T>, look: (item: T) => string | null): string | null {
  for (const item of items) {
    const found = look(item);
    if (found !== null) return found;
  }
  return null;
}

/** JSON turns −0 into 0, and a number such as NaN into null. */
function asJson(value: unknown): unknown {
  if (typeof value !== 'number') return value;
  return Number.isFinite(value) ? value + 0 : null;
}

function unequal(expected: unknown, actual: unknown, path: string): string {
  return `${path}: expected ${show(expected)}, got ${show(actual)}`;
}

function show(value: unknown): string {
  const text = isMatcher(value) ? String(value) : (JSON.stringify(value) ?? 'nothing');
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function isMatcher(value: unknown): value is { asymmetricMatch(other: unknown): boolean } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'asymmetricMatch' in value &&
    typeof value.asymmetricMatch === 'function'
  );
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return typeof value === 'object' && value !== null && 'toJSON' in value && typeof value.toJSON === 'function';
}
