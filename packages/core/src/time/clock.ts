/** Milliseconds since the Unix epoch. */
export type Millis = number;

/** The source of time. Everything that reads the time takes a Clock, so a test controls it. */
export interface Clock {
  now(): Millis;
  /**
   * The last moment that may be now, of a clock that is known within bounds; `now()` is the first. Jobs are due by
   * `now()`, but a delay counts from `latest()`. A delay counts from `latest()`. So nothing starts early. Left out, it
   * is `now()`.
   */
  latest?(): Millis;
  /**
   * Reports whether the time does not move, because the clock was set back. Servers that see this at different moments
   * stop at different times, so a job that one of them has started may look over to another. If this is left out, time
   * always moves.
   */
  stands?(): boolean;
}

export function latestOf(clock: Clock): Millis {
  return clock.latest?.() ?? clock.now();
}

export interface ManualClock extends Clock {
  advance(ms: Millis): void;
  set(at: Millis): void;
}

/** A clock that moves only when a test moves it. */
export function manualClock(start: Millis = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start;
  return {
    now: () => now,
    advance(ms) {
      now += ms;
    },
    set(at) {
      now = at;
    },
  };
}
