import { ProtocolError } from '../../errors.ts';
import type { Json } from '../../job/job.ts';
import { canonicalJson, canonicalObject, canonicalString, normalised } from '../../json/canonical.ts';
import { elements, members } from '../../json/json.ts';
import { sha256 } from './sha256.ts';

export type Dimension = 'type' | 'queue' | 'args' | 'meta';

/** The parts of a job that make its unique key (ojs-unique-jobs §3). */
export interface UniqueScope {
  /** `type` always counts, listed or not. */
  readonly keys: readonly Dimension[];
  /**
   * Only these of args: a number is a position, another name belongs to the first object in args that has it. Null
   * means all of args.
   */
  readonly argsKeys: readonly string[] | null;
  /** Only these of meta, if `keys` has `meta`. A job without one of them differs from a job that has it. */
  readonly metaKeys: readonly string[] | null;
  /** A name that the client chose. */
  readonly name: string | null;
  /** JSONPath of the list that gave `argsKeys`, for messages. */
  readonly argsKeysPath: string;
}

export interface UniqueSubject {
  readonly type: string;
  readonly queue: string;
  /** A JSON array and a JSON object, valid. */
  readonly args: Json;
  readonly meta: Json;
}

/**
 * The unique key: SHA-256 of the canonical object of the chosen parts, in lower-case hexadecimal (ojs-unique-jobs §4).
 * It reveals args, so it must not be logged above debug level (§12).
 * @throws ProtocolError `invalid_request` if args have no value for one of `argsKeys`.
 */
export function uniqueKey(scope: UniqueScope, job: UniqueSubject): string {
  const { keys, argsKeys, metaKeys, name } = scope;
  // In the order that RFC 8785 requires.
  let text = '{';
  if (keys.includes('args')) {
    text += `"args":${argsKeys === null ? canonicalJson(job.args) : selectedArgs(job.args, argsKeys, scope.argsKeysPath)},`;
  }
  if (name !== null) text += `"key":${canonicalString(name)},`;
  if (keys.includes('meta')) text += `"meta":${selectedMeta(job.meta, metaKeys ?? [])},`;
  if (keys.includes('queue')) text += `"queue":${canonicalString(job.queue)},`;
  return sha256(`${text}"type":${canonicalString(job.type)}}`);
}

const position = /^[0-9]+$/;

function selectedArgs(args: Json, wanted: readonly string[], path: string): string {
  const items = elements(args);
  const named = wanted.every((name) => position.test(name)) ? noMembers : firstMembers(items);
  const selected = new Map<string, string>();
  wanted.forEach((name, index) => {
    const isPosition = position.test(name);
    const key = isPosition ? String(Number(name)) : normalised(name);
    // A name that repeats must not read its value again.
    if (selected.has(key)) return;
    const value = isPosition ? items[Number(name)] : named.get(key);
    if (value === undefined)
      throw ProtocolError.invalid([{ path: `${path}[${index}]`, message: missing(name, isPosition, items.length) }]);
    selected.set(key, canonicalJson(value));
  });
  return canonicalObject(selected);
}

function missing(name: string, isPosition: boolean, length: number): string {
  if (isPosition) return `args has no element ${name.slice(0, 20)}; it has ${length}, counted from 0`;
  return `no object in args has the key ${JSON.stringify(name.slice(0, 100))}`;
}

function selectedMeta(meta: Json, wanted: readonly string[]): string {
  const named = normalisedMembers(meta);
  const selected = new Map<string, string>();
  for (const name of wanted) {
    const key = normalised(name);
    const value = named.get(key);
    if (value !== undefined && !selected.has(key)) selected.set(key, canonicalJson(value));
  }
  return canonicalObject(selected);
}

const noMembers: ReadonlyMap<string, Json> = new Map();

/** The members of all objects among the items; of equal keys the first object wins. */
function firstMembers(items: readonly Json[]): ReadonlyMap<string, Json> {
  const first = new Map<string, Json>();
  for (const item of items) {
    if (!item.startsWith('{')) continue;
    for (const [key, value] of normalisedMembers(item)) if (!first.has(key)) first.set(key, value);
  }
  return first;
}

function normalisedMembers(object: Json): ReadonlyMap<string, Json> {
  const named = new Map<string, Json>();
  for (const [key, value] of members(object)) named.set(normalised(key), value);
  return named;
}
