/** Adds a change to the figures of its minute. */

import type { JobRecord, Transition } from '../job/job.ts';
import { State } from '../job/states.ts';
import { isIn } from '../lifecycle/change.ts';
import type { Millis } from '../time/clock.ts';
import { addHistogram, codeOf, type Histogram } from './histogram.ts';

/** Sums of one minute of a job type in a queue. Durations in milliseconds. */
export interface Sums {
  readonly enqueued: number;
  readonly started: number;
  readonly completed: number;
  /** Executions that failed, and those of them after which the job runs again. */
  readonly failed: number;
  readonly retried: number;
  readonly discarded: number;
  readonly cancelled: number;
  /** Discarded jobs that were not started in time. */
  readonly expired: number;
  /** The time of executions that completed. */
  readonly durationMs: number;
  /** The time of executions in which the job was discarded, and cancelled. */
  readonly discardedMs: number;
  readonly cancelledMs: number;
  /** Between `enqueuedAt` and a start, and the part of it that belongs to later attempts. */
  readonly waitMs: number;
  readonly waitAgainMs: number;
}

/** Sums with the durations behind them. */
export interface Figures extends Sums {
  readonly histogram: Histogram;
}

/** The figures of the jobs of a type in a queue in one minute, which begins at `minute`. */
export interface MinuteRecord extends Figures {
  readonly minute: Millis;
  readonly queue: string;
  readonly type: string;
}

/** The figures that one change adds: only the sums that it adds to, and the code of the duration that it measures. */
export interface Addition extends Partial<Sums> {
  readonly code?: number;
}

/** Their order is that of stored columns. */
export const sumNames = [
  'enqueued',
  'started',
  'completed',
  'failed',
  'retried',
  'discarded',
  'cancelled',
  'expired',
  'durationMs',
  'discardedMs',
  'cancelledMs',
  'waitMs',
  'waitAgainMs',
] as const satisfies readonly (keyof Sums)[];

export const noSums: Sums = {
  enqueued: 0,
  started: 0,
  completed: 0,
  failed: 0,
  retried: 0,
  discarded: 0,
  cancelled: 0,
  expired: 0,
  durationMs: 0,
  discardedMs: 0,
  cancelledMs: 0,
  waitMs: 0,
  waitAgainMs: 0,
};

export interface MutableFigures extends Writable<Sums> {
  readonly histogram: Record<number, number>;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

export function newFigures(): MutableFigures {
  return { ...noSums, histogram: {} };
}

/** Adds a change. Every job passes here three times, so the names are not walked in a loop. */
export function addChange(to: MutableFigures, change: Addition): void {
  const { enqueued = 0, started = 0, completed = 0, failed = 0, retried = 0, discarded = 0, cancelled = 0 } = change;
  const { expired = 0, durationMs = 0, discardedMs = 0, cancelledMs = 0, waitMs = 0, waitAgainMs = 0, code } = change;
  to.enqueued += enqueued;
  to.started += started;
  to.completed += completed;
  to.failed += failed;
  to.retried += retried;
  to.discarded += discarded;
  to.cancelled += cancelled;
  to.expired += expired;
  to.durationMs += durationMs;
  to.discardedMs += discardedMs;
  to.cancelledMs += cancelledMs;
  to.waitMs += waitMs;
  to.waitAgainMs += waitAgainMs;
  if (code !== undefined) to.histogram[code] = (to.histogram[code] ?? 0) + 1;
}

export function addFigures(to: MutableFigures, more: Figures): void {
  for (const name of sumNames) to[name] += more[name];
  addHistogram(to.histogram, more.histogram);
}

const minuteMs = 60_000;

/** The addition of a change that no figure counts. */
export const nothingAdded: Addition = {};

export function minuteOf(now: Millis): Millis {
  return Math.floor(now / minuteMs) * minuteMs;
}

type Before = Pick<JobRecord, 'state' | 'startedAt' | 'enqueuedAt' | 'attempt'>;

/** `before` is null for a new job. {@link nothingAdded} where the change counts nowhere. */
export function sumsOf(before: Before | null, to: State, now: Millis, transition: Transition | null = null): Addition {
  const sums = before?.state === to ? nothingAdded : sumsOfEntry(before, to, now);
  if (transition === null) return sums;
  if (transition.events.some(({ kind }) => kind === 'job.expired')) return { ...sums, expired: 1 };
  if (!transition.events.some(({ kind }) => kind === 'job.failed')) return sums;
  return isIn(to, State.retryable | State.available) ? { ...sums, failed: 1, retried: 1 } : { ...sums, failed: 1 };
}

function sumsOfEntry(before: Before | null, to: State, now: Millis): Addition {
  if (to === State.available) return enters(before) ? { enqueued: 1 } : nothingAdded;
  // If the job does not run, only the end counts.
  const ran = before?.state === State.active ? since(before.startedAt, now) : null;
  if (to === State.discarded)
    return ran === null ? { discarded: 1 } : { discarded: 1, discardedMs: ran, code: codeOf('discarded', ran) };
  if (to === State.cancelled)
    return ran === null ? { cancelled: 1 } : { cancelled: 1, cancelledMs: ran, code: codeOf('cancelled', ran) };
  if (before === null) return nothingAdded;
  if (to === State.active) return startOf(before, since(before.enqueuedAt, now));
  if (to !== State.completed) return nothingAdded;
  const durationMs = since(before.startedAt, now);
  return { completed: 1, durationMs, code: codeOf('completed', durationMs) };
}

function startOf({ attempt }: Before, waitMs: number): Addition {
  if (attempt > 0) return { started: 1, waitMs, waitAgainMs: waitMs, code: codeOf('waitAgain', waitMs) };
  return { started: 1, waitMs, code: codeOf('wait', waitMs) };
}

/** A job enters its queue once: at its creation, when it becomes due, or when it is activated. A retry only returns. */
function enters(before: Pick<JobRecord, 'state'> | null): boolean {
  return before === null || isIn(before.state, State.scheduled | State.pending);
}

function since(at: Millis | null, now: Millis): number {
  return at === null ? 0 : Math.max(0, now - at);
}

/** The order of minutes: by minute, queue, type. */
export function compareMinutes(one: MinuteRecord, other: MinuteRecord): number {
  return one.minute - other.minute || compare(one.queue, other.queue) || compare(one.type, other.type);
}

function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
