import { rules } from '../../envelope/validate.ts';
import type { ValidationIssue } from '../../errors.ts';
import type { NewUnique } from '../../job/job.ts';
import { isState, State, type StateMask, Waiting } from '../../job/states.ts';
import { isObject } from '../../json/json.ts';
import type { Millis } from '../../time/clock.ts';
import { parseDuration, readDuration } from '../../time/duration.ts';
import { type Dimension, type UniqueScope, type UniqueSubject, uniqueKey } from './fingerprint.ts';

/** The effect of a duplicate (ojs-unique-jobs §5). */
export type UniqueConflict = 'reject' | 'ignore' | 'replace' | 'replace_except_schedule';

/** A unique policy (ojs-unique-jobs §2) with its defaults filled in. */
export interface UniquePolicy extends UniqueScope {
  /** How long after its creation a job counts; null means for ever. */
  readonly periodMs: number | null;
  /** States in which a job counts. */
  readonly states: StateMask;
  readonly onConflict: UniqueConflict;
}

const storedConflict = {
  reject: 'keep',
  ignore: 'keep',
  replace: 'replace',
  replace_except_schedule: 'replace_unscheduled',
} as const;

/**
 * Returns the check for the insert of a job with this policy.
 * @param now in milliseconds; the period ends there.
 * @throws ProtocolError `invalid_request` if args lack a name of `args_keys` (ojs-unique-jobs §2.2).
 */
export function newUnique(policy: UniquePolicy, job: UniqueSubject, now: Millis): NewUnique {
  const { periodMs, states, onConflict } = policy;
  const createdAfter = periodMs === null ? null : now - periodMs;
  return { key: uniqueKey(policy, job), states, createdAfter, onConflict: storedConflict[onConflict] };
}

const dimensions: readonly Dimension[] = ['type', 'queue', 'args', 'meta'];
const conflicts: ReadonlyMap<unknown, UniqueConflict> = new Map<string, UniqueConflict>([
  ['reject', 'reject'],
  ['replace', 'replace'],
  ['replace_except_schedule', 'replace_except_schedule'],
  ['ignore', 'ignore'],
  ['use_existing', 'ignore'],
]);
const argsSpellings = ['args_keys', 'argsKeys'];
const metaSpellings = ['meta_keys', 'metaKeys'];
const periodSpellings = ['period_ms', 'periodMs'];
const conflictSpellings = ['on_conflict', 'onConflict'];
/** Every spelling of a member that is read. */
export const uniqueNames: readonly string[] = [
  ...['keys', 'key', 'period', 'within', 'states'],
  ...argsSpellings,
  ...metaSpellings,
  ...periodSpellings,
  ...conflictSpellings,
];

/**
 * Reads a unique policy, as parsed JSON, with every spelling that published clients use (ojs-unique-jobs §2). Null
 * counts as absent, unknown fields are ignored.
 *
 * The older `key` lists dimensions if all its names are dimensions, else names of args; an empty list means all of
 * args. A `key` that is a text is a name of the job's own, which counts together with type. The documented field wins
 * over its other spellings.
 * @param path of the policy in the document, for messages.
 * @param issues collects what is wrong. After an issue the field has its default, which has no meaning.
 */
export function uniqueOf(value: unknown, path: string, issues: ValidationIssue[]): UniquePolicy {
  if (!isObject(value)) issues.push({ path, message: 'unique must be an object' });
  const fields = new Fields(isObject(value) ? value : {}, path, issues);
  const scope = scopeOf(fields);
  const periodMs = periodOf(fields) ?? null;
  const states = fields.read(['states'], statesOf, `a list out of ${Object.keys(State).join(', ')}, at least one`);
  const conflict = (name: unknown) => conflicts.get(name) ?? null;
  return {
    ...scope,
    periodMs,
    states: states ?? Waiting | State.active,
    onConflict: fields.read(conflictSpellings, conflict, `one of ${[...conflicts.keys()].join(', ')}`) ?? 'reject',
  };
}

function scopeOf(fields: Fields): UniqueScope {
  const listed = fields.read(['keys'], dimensionsOf, `a list out of ${dimensions.join(', ')}`);
  const older = fields.read(
    ['key'],
    (value) => (isName(value) ? value : namesOf(value)),
    'a list of names, or one name',
  );
  const args = fields.read(argsSpellings, namesOf, 'a list of names');
  const meta = fields.read(metaSpellings, namesOf, 'a list of names');

  const chosen = listed
    ? { keys: listed, argsKeys: null }
    : typeof older === 'string' || !older
      ? byType
      : olderScope(older);
  const { keys } = chosen;
  // If the list of dimensions is wrong, the fields that depend on it cannot be checked.
  if (listed !== null && older !== null) {
    if (keys.includes('meta') && (meta === undefined || meta?.length === 0)) {
      fields.wrong(metaSpellings, 'must name at least one key where keys has "meta"');
    }
    if (args && args.length > 0 && !keys.includes('args')) fields.wrong(argsSpellings, 'needs "args" in keys');
    if (meta && meta.length > 0 && !keys.includes('meta')) fields.wrong(metaSpellings, 'needs "meta" in keys');
  }
  const own = args && args.length > 0 ? args : null;
  return {
    keys,
    argsKeys: own ?? chosen.argsKeys,
    metaKeys: meta ?? null,
    name: typeof older === 'string' ? older : null,
    argsKeysPath: fields.pathOf(own === null ? ['key'] : argsSpellings),
  };
}

type Chosen = Pick<UniqueScope, 'keys' | 'argsKeys'>;
const byType: Chosen = { keys: ['type'], argsKeys: null };

function olderScope(key: readonly string[]): Chosen {
  const keys = key.length === 0 ? null : dimensionsOf(key);
  return keys === null ? { keys: ['type', 'args'], argsKeys: key.length === 0 ? null : key } : { keys, argsKeys: null };
}

/**
 * The specification's `period`, the spelling of clients, and the command line's `within`, which also accepts Go's
 * durations.
 */
function periodOf(fields: Fields): number | null | undefined {
  const iso = (value: unknown) => (typeof value === 'string' && parseDuration(value)) || null;
  const millis = (value: unknown) => (rules.positiveMillis.is(value) ? value : null);
  const period = fields.read(['period'], iso, rules.duration);
  if (period !== undefined) return period;
  const inMs = fields.read(periodSpellings, millis, rules.positiveMillis.expected);
  if (inMs !== undefined) return inMs;
  return fields.read(
    ['within'],
    (value) => (typeof value === 'string' && goDuration(value)) || null,
    `${rules.duration}, or such as 5m`,
  );
}

/** `5m0s` as Go writes it, beside every form of {@link readDuration}. */
function goDuration(text: string): number | null {
  const components = text.length > 64 ? null : text.match(/[0-9.]+[a-z]+/g);
  if (components === null || components.join('') !== text) return readDuration(text);
  const lengths = components.map((component) => readDuration(component));
  return lengths.includes(null) ? null : readDuration(lengths.reduce((sum: number, ms) => sum + (ms ?? 0), 0));
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function namesOf(value: unknown): readonly string[] | null {
  return Array.isArray(value) && value.every(isName) ? value : null;
}

/** The dimensions in the order of the list, `type` in any case; null if the list has anything else. */
function dimensionsOf(value: unknown): readonly Dimension[] | null {
  const names: readonly unknown[] | null = Array.isArray(value) ? value : null;
  if (names === null || !names.every((name) => dimensions.some((dimension) => dimension === name))) return null;
  return dimensions.filter((dimension) => dimension === 'type' || names.includes(dimension));
}

function statesOf(value: unknown): StateMask | null {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isState)) return null;
  return value.reduce((mask, name) => mask | State[name], 0);
}

class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #issues: ValidationIssue[];

  constructor(values: Readonly<Record<string, unknown>>, path: string, issues: ValidationIssue[]) {
    this.#values = values;
    this.#path = path;
    this.#issues = issues;
  }

  /**
   * The field under its first spelling in the request. Undefined if there is none; null for a wrong value, which is
   * noted.
   */
  read<T>(spellings: readonly string[], parse: (value: unknown) => T | null, expected: string): T | null | undefined {
    const value = this.#values[this.#nameOf(spellings)] ?? null;
    if (value === null) return undefined;
    const parsed = parse(value);
    if (parsed === null) this.wrong(spellings, `must be ${expected}`);
    return parsed;
  }

  pathOf(spellings: readonly string[]): string {
    return `${this.#path}.${this.#nameOf(spellings)}`;
  }

  wrong(spellings: readonly string[], problem: string): void {
    this.#issues.push({ path: this.pathOf(spellings), message: `${this.#nameOf(spellings)} ${problem}` });
  }

  #nameOf(spellings: readonly string[]): string {
    return spellings.find((name) => (this.#values[name] ?? null) !== null) ?? spellings[0] ?? '';
  }
}
