/**
 * Decides which failures are the same error: the same type, and the same message but for its numbers, ids and texts.
 */
import { waitsOf } from '../durable/marks.ts';
import { sha256 } from '../lifecycle/unique/sha256.ts';
import { lastEntry } from './history.ts';
import type { JobError, JobRecord, Json, Transition } from './job.ts';
import { State, type StateMask } from './states.ts';

/** The jobs that have a fingerprint: those that failed, and wait for the next attempt or have ended. */
export const Failed: StateMask = State.retryable | State.discarded;

/** Code units of a message that are read, and of a normalised one. */
const maxRead = 2_048;
const maxKept = 200;
/** Hexadecimal digits of the message, then of the type: so an index finds a message whatever its type. */
const messageDigits = 10;
const typeDigits = 6;

/**
 * The parts of a message that differ from one occurrence of an error to the next, the longer ones first. Each
 * repetition ends at a character that it cannot have, or has a bound, so the time grows with the length of the text.
 */
const parts: readonly (readonly [placeholder: string, pattern: string])[] = [
  ['<text>', /"[^"]*"|`[^`]*`|(?<![\w])'[^']{0,400}'(?!\w)/.source],
  ['<uuid>', /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/.source],
  [
    '<time>',
    /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?\b|\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\b/
      .source,
  ],
  ['<email>', /(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/.source],
  ['?<query>', /\?[^\s"'`<>=?]{1,200}=[^\s"'`<>]*/.source],
  ['<ip>', /\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<![\w:])(?:[0-9a-f]{1,4}:|:){2,8}[0-9a-f]{0,4}(?![\w:])/.source],
  // Hexadecimal digits may be decimal ones only, so both are one kind, and so are longer ids of digits and letters.
  [
    '<n>',
    /\b0x[0-9a-f]+\b|\b[0-9a-f]{8,}\b|(?<![a-z0-9])(?=[a-z]*\d[a-z]*\d)[a-z0-9]{16,}|(?<!\w)[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?|\d+(?:[.,]\d+)*/
      .source,
  ],
];
const varying = new RegExp(parts.map(([, pattern]) => `(${pattern})`).join('|'), 'gi');

/**
 * A message with placeholders in place of what varies, white space folded, at most 200 code units: `Connection to <ip>
 * refused`. A normalised message stays as it is. Only the first 2,048 code units are read.
 */
export function normalisedMessage(message: string): string {
  let text = cut(message, maxRead);
  // A cut or a replacement may leave another part behind. Each round makes what is no placeholder shorter.
  for (;;) {
    const next = cut(replaced(text.replace(/\s+/g, ' ')).trim(), maxKept).trim();
    if (next === text) return text;
    text = next;
  }
}

function replaced(text: string): string {
  return text.replace(varying, (...found: readonly unknown[]) => {
    const index = parts.findIndex((_, at) => found[at + 1] !== undefined);
    return parts[index]?.[0] ?? '';
  });
}

/** Never in the middle of a character of two code units. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? length - 1 : length);
}

/** The fingerprint of an error: 16 hexadecimal digits, from its type and its normalised message. */
export function fingerprintOf({ type, message }: Pick<JobError, 'type' | 'message'>): string {
  return messageFingerprint(message) + sha256(type).slice(0, typeDigits);
}

/** The first ten digits of the fingerprints of all errors with this message, whatever their types. */
export function messageFingerprint(message: string): string {
  return sha256(normalisedMessage(message)).slice(0, messageDigits);
}

export function isFingerprint(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}

/** Reports whether an error with this fingerprint is asked for: by the whole of it, or by the digits of its message. */
export function hasFingerprint(fingerprint: string | null, wanted: string): boolean {
  return fingerprint?.startsWith(wanted) === true;
}

/** The last error of a job that failed, and waits for the next attempt or has ended; null for any other. */
export function failureOf(job: Failing): JobError | null {
  return (job.state & Failed) === 0 || isAtRest(job) ? null : (lastEntry(job)?.error ?? null);
}

type Failing = Pick<JobRecord, 'state' | 'history' | 'policy'>;

/** Reports whether the job waits in steps none of which has failed: an error of an earlier attempt is over. */
function isAtRest(job: Failing): boolean {
  return waitsOf(job)?.every(({ kind }) => kind !== 'retry') ?? false;
}

/** The fingerprint of {@link failureOf}: the value of every index by fingerprint. */
export function errorFingerprint(job: Failing): string | null {
  const error = failureOf(job);
  return error === null ? null : fingerprintOf(error);
}

/** The fingerprint after a transition; undefined if it does not change. */
export function fingerprintAfter({ to, history, policy: text }: Transition): string | null | undefined {
  const policy = text ?? null;
  if ((to & Failed) === 0 || isAtRest({ state: to, history: '', policy })) return null;
  return history === undefined ? undefined : errorFingerprint({ state: to, history, policy });
}

/** Selects the errors to count. */
export interface ErrorQuery {
  /** Other states than {@link Failed} have no errors. */
  readonly states: StateMask;
  readonly deadLetter?: true;
  readonly queue?: string;
  readonly type?: string;
  /** The most groups of the answer. */
  readonly limit: number;
}

/** Jobs whose last errors are the same. */
export interface ErrorGroup {
  readonly fingerprint: string;
  readonly count: number;
  /** Type and normalised message of one of the errors. */
  readonly type: string;
  readonly message: string;
  /**
   * When the first and the last of these jobs failed. Discarded jobs go by their end, retryable ones by their creation:
   * of each the error of the first and of the last job counts.
   */
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface ErrorGroups {
  /** The most frequent first, equal ones by fingerprint. */
  readonly groups: readonly ErrorGroup[];
  /** How many fingerprints and jobs there are, beyond the limit too. */
  readonly fingerprints: number;
  readonly jobs: number;
}

/**
 * A group from the histories of its first and last jobs; null where none of them has an error any more, because its job
 * has changed since it was counted.
 */
export function errorGroup(fingerprint: string, count: number, histories: readonly Json[]): ErrorGroup | null {
  const entries = histories.flatMap((history) => lastEntry({ history }) ?? []);
  const [example] = entries;
  if (example === undefined) return null;
  const times = entries.map(({ at }) => at);
  const { type, message } = example.error;
  const ends = { firstAt: Math.min(...times), lastAt: Math.max(...times) };
  return { fingerprint, count, type, message: normalisedMessage(message), ...ends };
}

/** The most frequent fingerprints, and the sums of all. */
export function mostFrequent(
  counts: ReadonlyMap<string, number>,
  limit: number,
): Omit<ErrorGroups, 'groups'> & { readonly most: readonly (readonly [fingerprint: string, count: number])[] } {
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const jobs = sorted.reduce((sum, [, count]) => sum + count, 0);
  return { most: sorted.slice(0, limit), fingerprints: sorted.length, jobs };
}
