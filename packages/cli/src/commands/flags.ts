import { formatDuration, parseTimestamp, readDuration } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import { InvalidArgumentError, Option } from 'commander';

/** An option of a command. `reads` exists for the compiler only: it has the type of the value. */
export interface Flag<T> extends Option {
  readonly reads?: () => T;
}

/** Options by the members that their values have in a request. */
export type Flags = Readonly<Record<string, Flag<unknown>>>;

export type Values<F extends Flags> = {
  readonly [Member in keyof F]: F[Member] extends Flag<infer T> | undefined ? T : never;
};

/** An option with a value: `--queue <name>`. Without a reader the value is a text that is not empty. */
export function flag(flags: string, about: string): Flag<string | undefined>;
export function flag<T>(flags: string, about: string, read: (text: string, before?: T) => T): Flag<T | undefined>;
export function flag(flags: string, about: string, read: (text: string) => unknown = filled): Flag<unknown> {
  return new Option(flags, about).argParser(read);
}

/** Puts options under a heading of the help. */
export function under<F extends Flags>(heading: string, flags: F): F {
  for (const option of Object.values(flags)) option.helpGroup(heading);
  return flags;
}

/** The same for an option that must be given, or has a value without it. */
export function needed<T>({ flags, description, parseArg }: Flag<T | undefined>, fallback?: T): Flag<T> {
  const option = new Option(flags, description);
  if (parseArg !== undefined) option.argParser(parseArg);
  return fallback === undefined ? option.makeOptionMandatory() : option.default(fallback);
}

/** An option without a value: `--force`. */
export function on(flags: string, about: string): Flag<true | undefined> {
  return new Option(flags, about);
}

export function choice(flags: string, about: string, choices: readonly string[]): Flag<string | undefined> {
  return new Option(flags, about).choices(choices);
}

/** JSON text of the user, which is sent unchanged. */
export class Raw {
  readonly text: Json;

  constructor(text: Json) {
    this.text = text;
  }
}

export const atLeastOne = upTo(999_999_999);

/** 0 stops everything. */
export function fromZero(text: string): number {
  return text === '0' ? 0 : atLeastOne(text);
}

/** A reader of whole numbers from 1. */
export function upTo(most: number): (text: string) => number {
  return (text) => {
    if (/^[1-9]\d{0,8}$/.test(text) && Number(text) <= most) return Number(text);
    throw new InvalidArgumentError(
      `Expected a whole number from 1 to ${most}.${text === 'all' ? ' --all has no limit.' : ''}`,
    );
  };
}

/** `100/60s`: so many starts in such a time, as the server reads it. */
export function rate(text: string) {
  const [limit = '', period = '', ...more] = text.split('/');
  const ms = readDuration(period);
  if (/^[1-9]\d{0,8}$/.test(limit) && ms !== null && ms > 0 && more.length === 0)
    return { limit: Number(limit), period: formatDuration(ms) };
  throw new InvalidArgumentError('Expected a count and a time, such as 100/60s.');
}

/** `50/s`, `100/m` or `1/10s`, as jobs a second. */
export function perSecond(text: string): number {
  const [count = '', period = '', ...more] = text.split('/');
  const ms = readDuration(/^[a-z]/.test(period) ? `1${period}` : period);
  if (/^\d{1,6}(\.\d{1,3})?$/.test(count) && Number(count) > 0 && ms !== null && ms > 0 && more.length === 0)
    return (Number(count) * 1_000) / ms;
  throw new InvalidArgumentError('Expected a count and a time, such as 50/s or 100/m.');
}

/** A name or text that narrows something: an empty one, as of a variable that is not set, would mean everything. */
function filled(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Expected a text, got an empty one.');
}

/** A flag that may be repeated, and takes several values by commas. */
export function each(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...filled(text).split(',')];
}

/** A reader that also takes `none`, which removes a setting. */
export function orNone<T>(read: (text: string) => T): (text: string) => T | Raw {
  return (text) => (text === 'none' ? new Raw('null') : read(text));
}

export function jsonArray(text: string): Raw {
  try {
    if (Array.isArray(JSON.parse(text))) return new Raw(text);
  } catch {
    // The same message as for another value.
  }
  throw new InvalidArgumentError(
    `Expected the arguments as a JSON array, such as '["a", 1]', got ${JSON.stringify(text)}.`,
  );
}

/** Milliseconds. */
export function span(text: string): number {
  const ms = readDuration(text);
  if (ms !== null) return ms;
  throw new InvalidArgumentError('Expected a duration such as 90s, 2h or 7d.');
}

/** Milliseconds, at least one. */
export function someTime(text: string): number {
  const ms = span(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('Expected a duration above 0, such as 90s, 2h or 7d.');
}

/** A duration as ISO 8601. */
export function isoSpan(text: string): string {
  return formatDuration(span(text));
}

/** A timestamp, or an age that counts back from now. */
export function past(text: string): string {
  return momentOf(text, -1);
}

/** A timestamp, or a duration that counts from now. */
export function ahead(text: string): string {
  return momentOf(text, 1);
}

/** The same, or `now`. */
export function nowOrAhead(text: string): string {
  return text === 'now' ? text : ahead(text);
}

function momentOf(text: string, direction: 1 | -1): string {
  const ms = readDuration(text);
  if (ms !== null) return new Date(Date.now() + direction * ms).toISOString();
  const at = parseTimestamp(text);
  if (at !== null) return new Date(at).toISOString();
  throw new InvalidArgumentError('Expected a time such as 2026-01-31T09:00:00Z, or a duration such as 90s, 2h or 7d.');
}
