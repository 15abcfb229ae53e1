import type { Answers } from '@ojs-ts/core/schemas';
import { compact, dateOf, numberOf, type Wire, wireOf } from '../json.ts';
import { type Camel, type CamelName, camel, camelName } from './answer.ts';

/** Durations in milliseconds: half of them are at most `p50` long. A member is absent if nothing was measured. */
export interface Percentiles extends Camel<Measured> {}
type Measured = Answers['queue.get']['stats']['latency_ms'];

/** The load of a queue, or of all queues. */
export interface Figures {
  /** When the job that has been available longest became available; absent without an available job. */
  readonly oldestAvailableAt?: Date;
  /** Executions a minute, over the last one or two minutes. */
  readonly completedPerMinute: number;
  readonly failedPerMinute: number;
  /** Percentiles of the last hour: the wait of a job for its start, and the run of one that completed. */
  readonly waitMs: Percentiles;
  readonly durationMs: Percentiles;
}

/** Figures by their names on the wire, each from the first of the places that has it. A figure that none has is 0. */
export function figuresIn<Name extends string>(
  names: readonly Name[],
  ...places: readonly (Wire | undefined)[]
): Readonly<Record<CamelName<Name>, number>>;
export function figuresIn(names: readonly string[], ...places: readonly (Wire | undefined)[]): object {
  const figure = (name: string) => places.map((place) => numberOf(place?.[name])).find((value) => value !== undefined);
  return Object.fromEntries(names.map((name) => [camelName(name), figure(name) ?? 0]));
}

/** The members that are numbers. */
export function numbersOf(value: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(wireOf(value) ?? {}).flatMap(([name, count]) => (typeof count === 'number' ? [[name, count]] : [])),
  );
}

export function figuresOf(raw: Wire): Figures {
  const rates = figuresIn(['processed_per_minute', 'failed_per_minute'], wireOf(raw.throughput));
  return compact({
    oldestAvailableAt: dateOf(raw.oldest_available_at),
    completedPerMinute: rates.processedPerMinute,
    failedPerMinute: rates.failedPerMinute,
    waitMs: camel<Measured>(raw.latency_ms),
    durationMs: camel<Measured>(raw.duration_ms),
  });
}

/** The history has its figures in members of their own, as `latency_p50_ms` (ojs-admin-api §10.2). */
export function flatPercentiles(raw: Wire, name: 'latency' | 'duration'): Percentiles {
  const figures = ['p50', 'p95', 'p99', 'mean'].map((figure) => [figure, raw[`${name}_${figure}_ms`] ?? null]);
  return camel<Measured>(Object.fromEntries(figures));
}
