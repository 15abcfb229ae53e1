/** A number is milliseconds. A text is `'200ms'`, `'5s'`, `'1.5m'`, `'1h'`, `'1d'` or ISO 8601 (`'PT5S'`). */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}` | `P${string}`;

/** The longest delay of `setTimeout`. */
const maxTimerMs = 2 ** 31 - 1;

export function timerMs(ms: number): number {
  return Math.min(Math.max(0, ms), maxTimerMs);
}
