import { compact, numberOf, wireOf } from '../json.ts';

/** Durations in milliseconds: half of them are at most `p50` long. A member is absent if nothing was measured. */
export interface Percentiles {
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
  readonly mean?: number;
}

export function readPercentiles(value: unknown): Percentiles {
  const raw = wireOf(value);
  return compact({
    p50: numberOf(raw?.p50),
    p95: numberOf(raw?.p95),
    p99: numberOf(raw?.p99),
    mean: numberOf(raw?.mean),
  });
}
