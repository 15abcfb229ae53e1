/** Milliseconds since the Unix epoch. */
export type Millis = number;

/** The source of time. Everything that reads the time takes a Clock, so a test controls it. */
export interface Clock {
  now(): Millis;
  /**
   * Of a clock that is known within bounds, the last moment that may be now; `now()` is the first. What is due by
   * `now()` is due. A delay counts from `latest()`. So nothing starts early. Left out, it is `now()`.
   */
  latest?(): Millis;
  /**
   * Whether the time stands still, because the clock was set back. Servers that see this at different moments stand at
   * different times, so what one of them has started may look over to another. Left out, time never stands still.
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

/** A clock that stands still until a test moves it. */
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
