/** Exponential with jitter of ±50 %, capped: `min`, then twice as long each time. Milliseconds; `failures` counts from 1. */
export function backoffMs(failures: number, min: number, max: number): number {
  return Math.min(max, min * 2 ** Math.min(failures - 1, 30)) * (0.5 + Math.random());
}
