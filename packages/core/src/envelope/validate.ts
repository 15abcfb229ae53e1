import type { ValidationIssue } from '../errors.ts';
import type { Json } from '../job/job.ts';
import { isObject, members } from '../json/json.ts';
import {
  expectedJobType,
  expectedPriority,
  expectedQueueName,
  isJobType,
  isPriority,
  isQueueName,
  namedPriorities,
} from '../names.ts';
import { formatDuration, maxDurationMs } from '../time/duration.ts';
import { isUuidv7 } from '../uuid.ts';

/** The allowed values of one attribute; `expected` completes the sentence "it must be …". */
export interface Rule<T> {
  readonly is: (value: unknown) => value is T;
  readonly expected: string;
  /** Names are no secrets: the message shows what was given. */
  readonly isName?: true;
}

/** Bytes of one envelope in UTF-8 (ojs-json-format §8.1). */
export const maxEnvelopeBytes = 1_048_576;
/** Jobs of one batch (ojs-json-format §8.3). */
export const maxBatchJobs = 10_000;

function rule<T>(is: (value: unknown) => value is T, expected: string): Rule<T> {
  return { is, expected };
}

function wholeFrom(min: number, max: number, unit: string): Rule<number> {
  const is = (value: unknown): value is number =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
  return rule(is, `a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`);
}

const maxSeconds = maxDurationMs / 1000;

/** The attributes of an envelope (ojs-core §5). */
export const rules = {
  specversion: rule((value): value is '1.0' => value === '1.0', '"1.0"'),
  id: rule(isUuidv7, 'a UUIDv7 in lower case'),
  type: { ...rule(isJobType, expectedJobType), isName: true },
  queue: { ...rule(isQueueName, expectedQueueName), isName: true },
  args: rule((value): value is readonly unknown[] => Array.isArray(value), 'an array'),
  object: rule(isObject, 'an object'),
  priority: rule(
    (value): value is number | keyof typeof namedPriorities =>
      isPriority(value) || (typeof value === 'string' && Object.hasOwn(namedPriorities, value)),
    `${expectedPriority}, or HIGH, NORMAL or LOW`,
  ),
  millis: wholeFrom(0, maxDurationMs, 'milliseconds'),
  positiveMillis: wholeFrom(1, maxDurationMs, 'milliseconds'),
  seconds: wholeFrom(0, maxSeconds, 'seconds'),
  positiveSeconds: wholeFrom(1, maxSeconds, 'seconds'),
  resultTtl: wholeFrom(-1, maxSeconds, 'seconds'),
  count: wholeFrom(1, Number.MAX_SAFE_INTEGER, ''),
  bytes: wholeFrom(1, Number.MAX_SAFE_INTEGER, 'bytes'),
  flag: rule((value): value is boolean => typeof value === 'boolean', 'true or false'),
  text: rule((value): value is string => typeof value === 'string', 'a string'),
  names: rule(
    (value): value is readonly string[] => Array.isArray(value) && value.every((item) => typeof item === 'string'),
    'an array of strings',
  ),
  timestamp: 'an RFC 3339 timestamp with a time zone, such as 2026-01-31T09:00:00Z',
  duration: `an ISO 8601 duration such as PT30S, greater than 0 and at most ${formatDuration(maxDurationMs)}`,
} as const;

/** An object of the request: its parsed values, and their raw texts for those who need them. */
export class Part<Name extends string = string> {
  readonly values: Readonly<Record<string, unknown>>;
  readonly path: string;
  readonly #text: Json;
  #texts: ReadonlyMap<string, Json> | null;

  constructor(
    values: Readonly<Record<string, unknown>>,
    text: Json,
    path: string,
    texts: ReadonlyMap<string, Json> | null = null,
  ) {
    this.values = values;
    this.path = path;
    this.#text = text;
    this.#texts = texts;
  }

  get texts(): ReadonlyMap<string, Json> {
    this.#texts ??= members(this.#text);
    return this.#texts;
  }

  /** The member, or else the one under the other name; null counts as absent (ojs-json-format §14.2). */
  find(name: Name, other?: Name): Field | null {
    const value = this.values[name];
    if (value !== undefined && value !== null) return new Field(this, name, value);
    return other === undefined ? null : this.find(other);
  }
}

/** A member that was sent. */
export class Field {
  readonly part: Part;
  readonly name: string;
  readonly value: unknown;

  constructor(part: Part, name: string, value: unknown) {
    this.part = part;
    this.name = name;
    this.value = value;
  }

  get text(): Json {
    return this.part.texts.get(this.name) ?? 'null';
  }

  get path(): string {
    return `${this.part.path}.${this.name}`;
  }
}

/** Characters of a wrong name in a message. */
const maxShown = 100;

/** Collects the issues of a request. */
export class Issues {
  readonly all: ValidationIssue[] = [];

  add(path: string, message: string): void {
    this.all.push({ path, message });
  }

  expected(field: Field, expected: string): null {
    this.add(field.path, `${field.name} must be ${expected}`);
    return null;
  }

  /** The field's value if it follows the rule. Null for a wrong value, which is noted, and for an absent field. */
  check<T>(field: Field | null, rule: Rule<T>): T | null {
    if (field === null) return null;
    const { value } = field;
    if (rule.is(value)) return value;
    const given = rule.isName && typeof value === 'string' ? `; got ${JSON.stringify(value.slice(0, maxShown))}` : '';
    return this.expected(field, `${rule.expected}${given}`);
  }
}
