import { formatDuration, readDuration } from '../time/duration.ts';
import type { Option, SettingValue } from './option.ts';

type Row<Given, Value = Given> = Option<Given, Value>;

/** `OJS_MAX_QUEUES` as `--max-queues`. */
function flagOf(variable: string): string {
  return `--${variable.slice('OJS_'.length).toLowerCase().replaceAll('_', '-')}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export function count<Default extends number | null = number>(
  variable: string,
  fallback: Default,
  help: string,
  { least = 1, most = 999_999_999, unit = 'count', defaultText = String(fallback) } = {},
): Row<number, number | Default> {
  return {
    ...{ variable, flag: `${flagOf(variable)} <${unit}>`, help, fallback, defaultText },
    expected: `a whole number from ${least} to ${most}`,
    given: (text) => (/^(?:0|[1-9]\d{0,8})$/.test(text) ? Number(text) : null),
    value: (given) =>
      typeof given === 'number' && Number.isInteger(given) && given >= least && given <= most ? given : null,
    shown: (value) => value,
  };
}

/** In milliseconds. */
export function duration(variable: string, fallback: number, help: string): Row<number> {
  return {
    ...{ variable, flag: `${flagOf(variable)} <duration>`, help, fallback, defaultText: shortDuration(fallback) },
    expected: 'a duration such as 30s, 7d or PT30M',
    expectedValue: 'a number of milliseconds above 0',
    given: readDuration,
    value: (given) => (typeof given === 'number' && given > 0 ? given : null),
    shown: formatDuration,
  };
}

/** `7d` or `30m`: in the largest unit of which there are at least two. */
function shortDuration(ms: number): string {
  const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };
  const unit = Object.entries(units).find(([, length]) => ms % length === 0 && ms >= 2 * length);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}

const truths: Readonly<Record<string, boolean>> = { true: true, 1: true, false: false, 0: false };

/** A flag turns on what is off by default, and `--no-…` turns off what is on. */
export function toggle(variable: string, fallback: boolean, help: string, flag?: string): Row<boolean> {
  return {
    ...{
      variable,
      flag: flag ?? (fallback ? flagOf(variable).replace('--', '--no-') : flagOf(variable)),
      help,
      fallback,
    },
    defaultText: null,
    expected: 'true or false',
    given: (text) => truths[text.toLowerCase()] ?? null,
    value: (given) => (typeof given === 'boolean' ? given : null),
    shown: (value) => value,
  };
}

/** @param also what only a program may give. */
export function choice<Choice extends string, const Also = never>(
  variable: string,
  unit: string,
  choices: readonly Choice[],
  fallback: Choice,
  help: string,
  also: readonly Also[] = [],
): Row<Choice | Also, Choice | Also> {
  const known: readonly (Choice | Also)[] = [...choices, ...also];
  return {
    ...{ variable, flag: `${flagOf(variable)} <${unit}>`, help, fallback, defaultText: fallback, choices },
    expected: choices.length > 2 ? `one of ${choices.join(', ')}` : choices.join(' or '),
    given: (text) => choices.find((one) => one === text.toLowerCase()) ?? null,
    value: (given) => known.find((one) => one === given) ?? null,
    shown: (value) => (isText(value) || typeof value === 'boolean' ? value : null),
  };
}

/** @param more `form` is what the text must match, and `expected` how a message describes that. */
export function text<Default extends string | null>(
  variable: string,
  flag: string,
  fallback: Default,
  help: string,
  more: {
    readonly form?: RegExp;
    readonly expected?: string;
    readonly defaultText?: string;
    readonly shown?: (value: string | null) => SettingValue;
  } = {},
): Row<string, string | Default> {
  const { form = /^/, expected = 'a text', defaultText = fallback, shown = (value) => value } = more;
  return {
    ...{ variable, flag, help, fallback, defaultText, expected, shown },
    given: (value) => value,
    value: (given) => (isText(given) && form.test(given) ? given : null),
  };
}

/** A flag adds one; a variable has several with a separator. */
export function list(
  variable: string,
  flag: string,
  separator: RegExp,
  help: string,
  isSecret = false,
): Row<readonly string[]> {
  return {
    ...{ variable, flag, help: `${help}; may be repeated`, fallback: [], defaultText: null },
    ...(isSecret && { isSecret }),
    expected: 'a list of texts',
    given: (value) => value.split(separator).filter((one) => one !== ''),
    value: (given) => (Array.isArray(given) && given.every(isText) ? given : null),
    shown: (value) => (isSecret ? value.length : value),
  };
}

/** How many requests one client may send at once, and in how many milliseconds as many are allowed again. */
export interface RequestRate {
  readonly limit: number;
  readonly perMs: number;
}

const maxLimit = 1_000_000;
const maxPerMs = 86_400_000;

/** `1000/60s`, `10/PT1S`; null for any other text. */
export function parseRequestRate(text: string): RequestRate | null {
  const match = /^(\d{1,7})\/(\S+)$/.exec(text);
  const limit = Number(match?.[1]);
  const perMs = readDuration(match?.[2] ?? '');
  if (!(limit >= 1) || limit > maxLimit || perMs === null || perMs < 1 || perMs > maxPerMs) return null;
  return { limit, perMs };
}

/** A text in a program too. */
export function rate<Default extends RequestRate | null>(
  variable: string,
  fallback: Default,
  help: string,
): Row<string, RequestRate | Default> {
  return {
    ...{
      variable,
      flag: `${flagOf(variable)} <rate>`,
      help,
      fallback,
      expected: 'a number in a time, such as 1000/60s',
    },
    defaultText: fallback === null ? 'no limit' : `${fallback.limit}/${shortDuration(fallback.perMs)}`,
    given: (value) => value,
    value: (given) => (isText(given) ? parseRequestRate(given) : null),
    shown: (value) => value && `${value.limit}/${formatDuration(value.perMs)}`,
  };
}
