import { readDuration } from '@ojs-ts/core';
import { OJSValidationError } from './errors.ts';
import { quoted } from './json.ts';

/** A bare number is milliseconds; else `'200ms'`, `'5s'`, `'1.5m'`, `'1h'`, `'1d'` or ISO 8601 (`'PT5S'`). */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}` | `P${string}`;

/** The duration in milliseconds. `name` is the option it came from, for the error. */
export function durationMs(value: Duration, name: string): number {
  const ms = readDuration(value);
  if (ms === null) {
    throw OJSValidationError.of(
      name,
      `expected milliseconds as a number or a text such as '5s' or 'PT5S', got ${quoted(value)}`,
    );
  }
  return ms;
}

/** The longest time that a timer of the platform can wait. */
const maxTimerMs = 2 ** 31 - 1;

export function timerMs(ms: number): number {
  return Math.min(Math.max(0, ms), maxTimerMs);
}
