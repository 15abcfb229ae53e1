import { CaseError, isArray, isObject, type JsonObject, type JsonValue, parseJson, shown } from './json.ts';
import { parsePath } from './jsonpath.ts';
import { mismatch } from './matchers.ts';

export interface Case {
  /** Path of the file. */
  readonly file: string;
  readonly id: string;
  readonly level: number;
  readonly category: string;
  readonly name: string;
  /** What it checks, in a sentence; may be empty. */
  readonly description: string;
  readonly specRef: string;
  readonly tags: readonly string[];
  readonly setup: readonly Step[];
  readonly steps: readonly Step[];
  readonly teardown: readonly Step[];
  /** The case names its queues with `{{unique}}`, so it shares none with other cases. */
  readonly isolated: boolean;
}

export interface Step {
  readonly id: string;
  /** `WAIT`, `ASSERT`, or an HTTP method. */
  readonly action: string;
  readonly path: string;
  /** A null value removes a header that the runner would set. */
  readonly headers: Readonly<Record<string, string | null>>;
  readonly body?: JsonValue;
  readonly rawBody?: string;
  readonly captures: Readonly<Record<string, string>>;
  /** Delay before the step, in milliseconds. */
  readonly delayMs: number;
  readonly assertions: JsonObject;
}

const caseKeys = [
  'test_id',
  'level',
  'category',
  'name',
  'description',
  'spec_ref',
  'tags',
  'setup',
  'steps',
  'teardown',
];
const stepKeys = [
  'id',
  'action',
  'intent',
  'path',
  'headers',
  'body',
  'raw_body',
  'captures',
  'delay_ms',
  'duration_ms',
  'wait',
  'description',
  'assertions',
];
const assertionKeys = [
  'status',
  'status_in',
  'body',
  'body_absent',
  'body_raw',
  'body_contains',
  'headers',
  'timing_ms',
  'equality',
  'exclusive_claim',
];

/** Reads a case file's text. Throws {@link CaseError} for anything outside the format, unknown keys included. */
export function parseCase(file: string, text: string): Case {
  const root = parseJson(text);
  if (!isObject(root)) throw new CaseError('the file is not a JSON object');
  only(root, caseKeys, 'the case');
  const level = root.level;
  if (typeof level !== 'number' || !Number.isInteger(level))
    throw new CaseError(`level is ${shown(level)}, not an integer`);
  const found: Case = {
    file,
    id: textOf(root, 'test_id'),
    level,
    category: textOf(root, 'category'),
    name: textOf(root, 'name'),
    description: typeof root.description === 'string' ? root.description : '',
    specRef: textOf(root, 'spec_ref'),
    tags: stringsOf(root.tags, 'tags'),
    setup: stepsOf(root.setup, 'setup'),
    steps: stepsOf(root.steps, 'steps'),
    teardown: stepsOf(root.teardown, 'teardown'),
    isolated: text.includes('{{unique}}'),
  };
  if (found.steps.length === 0) throw new CaseError('steps is empty');
  const ids = [...found.setup, ...found.steps, ...found.teardown].map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new CaseError(`two steps are called ${twice}`);
  return found;
}

/** Reads a list of steps, or an object with one: the reference calls setup and teardown objects. */
function stepsOf(value: JsonValue | undefined, name: string): readonly Step[] {
  if (value === undefined) return [];
  const list = isObject(value) ? value.steps : value;
  if (isObject(value)) only(value, ['steps'], name);
  if (!isArray(list)) throw new CaseError(`${name} is ${shown(value)}, not a list of steps`);
  return list.map((step, index) => stepOf(step, `${name}[${index}]`));
}

function stepOf(value: JsonValue, where: string): Step {
  if (!isObject(value)) throw new CaseError(`${where} is not an object`);
  only(value, stepKeys, where);
  const action = textOf(value, 'action', where);
  if (!/^[A-Z]+$/.test(action)) throw new CaseError(`${where}.action is ${shown(action)}`);
  const special = action === 'WAIT' || action === 'ASSERT';
  const raw = value.raw_body;
  if (raw !== undefined && typeof raw !== 'string') throw new CaseError(`${where}.raw_body is not a string`);
  const duration = numberOf(value, 'duration_ms', where);
  const delay = numberOf(value, 'delay_ms', where) + numberOf(value, 'wait', where);
  return {
    id: textOf(value, 'id', where),
    action,
    path: special && value.path === undefined ? '' : textOf(value, 'path', where),
    headers: headersOf(value.headers, where),
    ...(value.body === undefined ? {} : { body: value.body }),
    ...(raw === undefined ? {} : { rawBody: raw }),
    captures: capturesOf(value.captures, where),
    delayMs: action === 'WAIT' && duration > 0 ? duration : delay,
    assertions: assertionsOf(value.assertions, where),
  };
}

/** Reads every matcher and path once, so that a mistake in a step that no run reaches is an error too. */
function assertionsOf(value: JsonValue | undefined, where: string): JsonObject {
  if (value === undefined) return {};
  if (!isObject(value)) throw new CaseError(`${where}.assertions is not an object`);
  only(value, assertionKeys, `${where}.assertions`);
  checkBody(value.body ?? {}, `${where}.assertions.body`);
  for (const path of stringsOf(value.body_absent ?? [], `${where}.assertions.body_absent`)) parsePath(path);
  stringsOf(value.body_contains ?? [], `${where}.assertions.body_contains`);
  for (const matcher of isObject(value.headers) ? Object.values(value.headers) : []) mismatch(matcher, undefined);
  if (isObject(value.timing_ms))
    only(value.timing_ms, ['less_than', 'greater_than', 'approximate'], `${where}.assertions.timing_ms`);
  if (isObject(value.exclusive_claim))
    only(value.exclusive_claim, ['job_id', 'fetches', 'exactly_one_has_job'], `${where}.assertions.exclusive_claim`);
  return value;
}

function checkBody(body: JsonValue, where: string): void {
  if (!isObject(body)) throw new CaseError(`${where} is not an object`);
  for (const [path, matcher] of Object.entries(body)) {
    if (path === '$or') {
      if (!isArray(matcher)) throw new CaseError(`${where}.$or is not an array`);
      for (const [index, one] of matcher.entries()) checkBody(one, `${where}.$or[${index}]`);
    } else {
      parsePath(path);
      mismatch(matcher, undefined);
    }
  }
}

function only(value: JsonObject, known: readonly string[], where: string): void {
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new CaseError(`${where} has the unknown key ${unknown.join(', ')}`);
}

function textOf(value: JsonObject, key: string, where = 'the case'): string {
  const text = value[key];
  if (typeof text !== 'string' || text === '') throw new CaseError(`${where}: ${key} is ${shown(text)}, not a string`);
  return text;
}

function numberOf(value: JsonObject, key: string, where: string): number {
  const number = value[key] ?? 0;
  if (typeof number !== 'number' || number < 0)
    throw new CaseError(`${where}.${key} is ${shown(number)}, not a number of milliseconds`);
  return number;
}

function stringsOf(value: JsonValue | undefined, where: string): readonly string[] {
  if (!isArray(value)) throw new CaseError(`${where} is ${shown(value)}, not a list of strings`);
  return value.map((one) => {
    if (typeof one !== 'string') throw new CaseError(`${where} holds ${shown(one)}, not a string`);
    return one;
  });
}

function headersOf(value: JsonValue | undefined, where: string): Readonly<Record<string, string | null>> {
  if (value === undefined) return {};
  if (!isObject(value)) throw new CaseError(`${where}.headers is not an object`);
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      if (typeof one !== 'string' && one !== null) throw new CaseError(`${where}.headers.${name} is not a string`);
      return [name, one];
    }),
  );
}

function capturesOf(value: JsonValue | undefined, where: string): Readonly<Record<string, string>> {
  const headers = headersOf(value, where);
  return Object.fromEntries(
    Object.entries(headers).map(([name, path]) => {
      parsePath(path ?? '');
      return [name, path ?? ''];
    }),
  );
}
