import type { Clock, Millis } from './clock.ts';

/** A smaller step is followed at once: clocks are slewed, and two of them drift apart. */
export const stepMs = 1_000;
/** A step is followed once it has held for so long. */
export const holdMs = 60_000;

/** The state of a wall clock that is compared with a monotonic one. All numbers are whole milliseconds. */
export interface SteadyTime {
  /** The time that callers see. */
  readonly now: Millis;
  /** The wall clock minus the monotonic one, as it is followed. */
  readonly offset: Millis;
  /** A step that is not followed yet: its offset, and the monotonic time since which it holds. Else null. */
  readonly step: { readonly offset: Millis; readonly since: Millis } | null;
}

export function steadyFrom(wall: Millis, monotonic: Millis): SteadyTime {
  return { now: wall, offset: wall - monotonic, step: null };
}

/**
 * The time after both clocks were read again. After a step forward time continues as before, after a step back it does
 * not move until the wall clock is back or has caught up. A step that holds for {@link holdMs} is followed. So time
 * goes back only where a step back has held, and a clock that jumps ahead for less than a minute starts no delayed job.
 * A monotonic clock stops while a machine sleeps, so waking up is such a step forward.
 */
export function steady(before: SteadyTime, wall: Millis, monotonic: Millis): SteadyTime {
  const offset = wall - monotonic;
  const by = offset - before.offset;
  const isBack = by < 0;
  if (Math.abs(by) <= stepMs || (isBack && wall >= before.now))
    return { now: Math.max(before.now, wall), offset, step: null };
  const { step } = before;
  // After a step back every moment counts, whatever the clock shows since: time must not stop for longer.
  const isSame = step !== null && (isBack ? step.offset < before.offset : Math.abs(step.offset - offset) <= stepMs);
  const since = isSame ? step.since : monotonic;
  if (monotonic - since >= holdMs) return steadyFrom(wall, monotonic);
  const now = isBack ? before.now : Math.max(before.now, monotonic + before.offset);
  return { now, offset: before.offset, step: { offset, since } };
}

/** The steps of a clock, in milliseconds; negative ones went back. */
export interface StepListener {
  /** A step was seen. It is followed once it has held for {@link holdMs}. */
  seen?(by: Millis): void;
  /** A step is followed from now on. */
  followed?(by: Millis): void;
}

/** Calls the listener with what has changed between two readings. */
export function tellSteps(before: SteadyTime, after: SteadyTime, listener: StepListener): void {
  if (before.step === null && after.step !== null) listener.seen?.(after.step.offset - before.offset);
  const by = after.offset - before.offset;
  if (before.step !== null && after.step === null && Math.abs(by) > stepMs) listener.followed?.(by);
}

/** The system's clock, by the rules of {@link steady}. The clocks are parameters for tests. */
export function systemClock(
  listener: StepListener = {},
  wall: () => Millis = () => Date.now(),
  monotonic: () => Millis = () => performance.now(),
): Clock {
  let time = steadyFrom(wall(), Math.floor(monotonic()));
  return {
    now() {
      const before = time;
      time = steady(before, wall(), Math.floor(monotonic()));
      tellSteps(before, time, listener);
      return time.now;
    },
  };
}
