/** The effect of a limit's numbers on the next start. */

import { type LimitNumbers, queueLimitKey } from '../../job/job.ts';
import type { Millis } from '../../time/clock.ts';

/** The numbers of a key: those of the newest job that had some, and an operator's override. */
export interface LimitSettings {
  readonly own: LimitNumbers;
  readonly override: LimitNumbers | null;
}

export const noNumbers: LimitNumbers = { concurrency: null, rates: [] };

/** A limit of a job without numbers only names its key: the existing numbers hold. */
export function hasNumbers({ concurrency, rates }: LimitNumbers): boolean {
  return concurrency !== null || rates.length > 0;
}

/** The numbers as JSON text, for comparison and storage. */
export function numbersText({ concurrency, rates }: LimitNumbers): string {
  return JSON.stringify({ concurrency, rates: rates.map(({ count, perMs }) => ({ count, perMs })) });
}

/** Reads texts of {@link numbersText}. */
export function parseNumbers(json: string): LimitNumbers {
  return JSON.parse(json);
}

/** The numbers that hold: an operator's override wins. */
export function effectiveLimit({ own, override }: LimitSettings): LimitNumbers {
  return override ?? own;
}

/**
 * When a key was last used, after a change by an operator. A key that only an operator has named, perhaps by mistake,
 * is forgotten with its override: the next pass of retention removes it.
 */
export function usedAfterOverride(
  { usedAt, jobs, own }: { readonly usedAt: Millis; readonly jobs: number; readonly own: LimitNumbers },
  override: LimitNumbers | null,
  now: Millis,
): Millis {
  return override === null && jobs <= 0 && !hasNumbers(own) ? 0 : Math.max(usedAt, now);
}

const queuePrefix = queueLimitKey('');

/** The queue whose limit has this key; null for other keys. */
export function limitedQueue(key: string): string | null {
  return key.startsWith(queuePrefix) ? key.slice(queuePrefix.length) : null;
}

/**
 * The keys under which a job holds a slot; jobs with the same keys form a limit group. Keys of queues are not among
 * them, since each limits its queue as a whole, by the queue's own count of active jobs.
 */
export function limitGroupOf(keys: readonly string[]): readonly string[] {
  return keys.some((key) => key.startsWith(queuePrefix)) ? keys.filter((key) => !key.startsWith(queuePrefix)) : keys;
}

export function hasSlot({ concurrency }: LimitNumbers, active: number): boolean {
  return concurrency === null || active < concurrency;
}

/**
 * When the rates allow the next start; null if they allow it at `now`.
 * @param nthLast the n-th last start under the key, 1 being the last one; undefined if the log is shorter.
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

/** The recorded time of a start: the clocks of callers differ, but the time of a key never runs back. */
export function stampOf(last: Millis | undefined, now: Millis): Millis {
  return Math.max(now, last ?? now);
}

/**
 * How long starts are kept, counted back from the newest: a new start removes those at `newest - keepMs` and before. By
 * age, never by number, and also for numbers that an override hides, so that other numbers may hold at any time. 0
 * without a rate: then a start is not recorded.
 */
export function keepMs({ own, override }: LimitSettings): number {
  return Math.max(0, ...own.rates.map(({ perMs }) => perMs), ...(override?.rates ?? []).map(({ perMs }) => perMs));
}

/** The recorded starts that still count, oldest first: those within the longest rate, counted from the newest. */
export function countedStarts({ rates }: LimitNumbers, kept: readonly Millis[]): readonly Millis[] {
  const newest = kept.at(-1);
  if (newest === undefined || rates.length === 0) return [];
  const longest = Math.max(...rates.map(({ perMs }) => perMs));
  return kept.slice(-Math.max(...rates.map(({ count }) => count))).filter((at) => at > newest - longest);
}
