/** What a change adds to the sums of its minute. */

import type { JobRecord, Transition } from '../job/job.ts';
import { State } from '../job/states.ts';
import { isIn } from '../lifecycle/change.ts';
import type { Millis } from '../time/clock.ts';

/**
 * Sums of one minute of a queue. Durations in milliseconds: of completed executions, of waits between `enqueuedAt` and
 * a start.
 */
export interface Sums {
  readonly enqueued: number;
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  readonly discarded: number;
  readonly durationMs: number;
  readonly waitMs: number;
}

export const noSums: Sums = {
  enqueued: 0,
  started: 0,
  completed: 0,
  failed: 0,
  discarded: 0,
  durationMs: 0,
  waitMs: 0,
};

const minuteMs = 60_000;
const nothing: Partial<Sums> = {};

export function minuteOf(now: Millis): Millis {
  return Math.floor(now / minuteMs) * minuteMs;
}

type Before = Pick<JobRecord, 'state' | 'startedAt' | 'enqueuedAt'>;

/** Has only the properties that the change adds to. `before` is null for a new job. */
export function sumsOf(
  before: Before | null,
  to: State,
  now: Millis,
  transition: Transition | null = null,
): Partial<Sums> {
  const sums = before?.state === to ? nothing : sumsOfEntry(before, to, now);
  return transition?.events.some(({ kind }) => kind === 'job.failed') ? { ...sums, failed: 1 } : sums;
}

function sumsOfEntry(before: Before | null, to: State, now: Millis): Partial<Sums> {
  if (to === State.available) return enters(before) ? { enqueued: 1 } : nothing;
  if (before !== null && to === State.active) return { started: 1, waitMs: since(before.enqueuedAt, now) };
  if (before !== null && to === State.completed) return { completed: 1, durationMs: since(before.startedAt, now) };
  return to === State.discarded ? { discarded: 1 } : nothing;
}

/** A job enters its queue once: at its creation, when it becomes due, or when it is activated. A retry only returns. */
function enters(before: Pick<JobRecord, 'state'> | null): boolean {
  return before === null || isIn(before.state, State.scheduled | State.pending);
}

function since(at: Millis | null, now: Millis): number {
  return at === null ? 0 : Math.max(0, now - at);
}
