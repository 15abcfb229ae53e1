/** What the numbers of a limit say about the next start. */

import { type LimitNumbers, queueLimitKey } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';

/** The numbers of a key, as the newest job that brought some gave them, and as an operator overrides them. */
export interface LimitSettings {
  readonly own: LimitNumbers;
  readonly override: LimitNumbers | null;
}

export const noNumbers: LimitNumbers = { concurrency: null, rates: [] };

/** A limit that came with a job and has none only names its key: the numbers that are there hold. */
export function hasNumbers({ concurrency, rates }: LimitNumbers): boolean {
  return concurrency !== null || rates.length > 0;
}

/** The numbers as JSON text, by which they are compared and may be stored. */
export function numbersText({ concurrency, rates }: LimitNumbers): string {
  return JSON.stringify({ concurrency, rates: rates.map(({ count, perMs }) => ({ count, perMs })) });
}

/** Texts that {@link numbersText} wrote. */
export function parseNumbers(json: string): LimitNumbers {
  return JSON.parse(json);
}

/** The numbers that hold: an operator's win. */
export function effectiveLimit({ own, override }: LimitSettings): LimitNumbers {
  return override ?? own;
}

const queuePrefix = queueLimitKey('');

/** The queue that a key limits as a whole; null for other keys. */
export function limitedQueue(key: string): string | null {
  return key.startsWith(queuePrefix) ? key.slice(queuePrefix.length) : null;
}

/**
 * The keys under which a job holds a slot; jobs with the same keys form a limit group. Keys of queues are left out,
 * since each limits its queue as a whole, by the queue's own count of active jobs.
 */
export function limitGroupOf(keys: readonly string[]): readonly string[] {
  return keys.some((key) => key.startsWith(queuePrefix)) ? keys.filter((key) => !key.startsWith(queuePrefix)) : keys;
}

export function hasSlot({ concurrency }: LimitNumbers, active: number): boolean {
  return concurrency === null || active < concurrency;
}

/**
 * When the rates let the next start pass; null where they hold nothing back at `now`.
 * @param nthLast the n-th last start under the key, the last one being 1; undefined where fewer are kept.
 */
export function reopensAt(
  { rates }: LimitNumbers,
  nthLast: (n: number) => Millis | undefined,
  now: Millis,
): Millis | null {
  let reopens = now;
  for (const { count, perMs } of rates)
    reopens = Math.max(reopens, (nthLast(count) ?? Number.NEGATIVE_INFINITY) + perMs);
  return reopens > now ? reopens : null;
}

/** The time that a start is noted under: the clocks of callers differ, that of a key never goes back. */
export function stampOf(last: Millis | undefined, now: Millis): Millis {
  return Math.max(now, last ?? now);
}

/**
 * How long starts are kept, counted back from the newest: those at `newest - keepMs` and before go when the newest is
 * noted. By age, never by number, and for the numbers that an override hides too, so that others may hold at any time.
 * 0 where there is no rate: then a start is not noted.
 */
export function keepMs({ own, override }: LimitSettings): number {
  return Math.max(0, ...own.rates.map(({ perMs }) => perMs), ...(override?.rates ?? []).map(({ perMs }) => perMs));
}

/** Of the starts that are kept, oldest first, those that count still: within the longest rate, seen from the newest. */
export function shownStarts({ rates }: LimitNumbers, kept: readonly Millis[]): readonly Millis[] {
  const newest = kept.at(-1);
  if (newest === undefined || rates.length === 0) return [];
  const longest = Math.max(...rates.map(({ perMs }) => perMs));
  return kept.slice(-Math.max(...rates.map(({ count }) => count))).filter((at) => at > newest - longest);
}
