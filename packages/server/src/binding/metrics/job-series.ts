import { cumulative, type Measure } from '@ojs-ts/core/statistics';
import type { Total } from '../../engine/queues/totals.ts';
import type { Distribution, Family, Labels, Sample } from '../../engine/telemetry/series.ts';

/** ojs-observability §8.2, in seconds. */
const durationBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const queueTimeBounds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1_800, 3_600];

/** The counters of ojs-observability §8.1, each from one kept sum. */
const counters = [
  ['ojs_job_enqueued_total', 'enqueued', 'Jobs that were enqueued, or became due.'],
  ['ojs_job_completed_total', 'completed', 'Jobs that completed.'],
  [
    'ojs_job_failed_total',
    'discarded',
    'Jobs that were discarded. Failures that a retry follows are in ojs_job_retried_total.',
  ],
  ['ojs_job_retried_total', 'retried', 'Failures after which the job runs again.'],
  ['ojs_job_cancelled_total', 'cancelled', 'Jobs that were cancelled.'],
  ['ojs_job_expired_total', 'expired', 'Jobs that expired before their start.'],
] as const;

/** The label of the state in which a run ended, with the sum of its durations. */
const ends = [
  ['completed', 'durationMs'],
  ['discarded', 'discardedMs'],
  ['cancelled', 'cancelledMs'],
] as const;

/**
 * The jobs of the store by queue and type, since its creation. The samples of 2,000 totals are 20,000, made one by one.
 */
export function jobSeries(totals: readonly Total[]): readonly Family[] {
  return [
    ...counters.map(([name, sum, help]): Family => ({ name, help, kind: 'counter', samples: counts(totals, sum) })),
    {
      name: 'ojs_job_duration_seconds',
      help: 'Time of the runs that ended their jobs, by the state that they led to.',
      kind: 'histogram',
      bounds: durationBounds,
      samples: durations(totals),
    },
    {
      name: 'ojs_job_queue_time_seconds',
      help: 'Time from the enqueue of a job, or from when it was due, to its first start.',
      kind: 'histogram',
      bounds: queueTimeBounds,
      samples: queueTimes(totals),
    },
  ];
}

function* counts(totals: readonly Total[], sum: (typeof counters)[number][1]): Generator<Sample> {
  for (const total of totals) yield { labels: labelsOf(total), value: total[sum] };
}

function* durations(totals: readonly Total[]): Generator<Distribution> {
  for (const total of totals) {
    for (const [state, sum] of ends) {
      if (total[state] === 0) continue;
      yield* distributions({ ...labelsOf(total), state }, total, state, durationBounds, total[sum]);
    }
  }
}

function* queueTimes(totals: readonly Total[]): Generator<Distribution> {
  for (const total of totals)
    yield* distributions(labelsOf(total), total, 'wait', queueTimeBounds, total.waitMs - total.waitAgainMs);
}

function labelsOf({ queue, type }: Total): Labels {
  return { queue, type };
}

/** None where nothing was measured: a job may end without a run. */
function distributions(
  labels: Labels,
  { histogram }: Total,
  measure: Measure,
  bounds: readonly number[],
  sumMs: number,
): readonly Distribution[] {
  const counted = cumulative(
    histogram,
    measure,
    bounds.map((bound) => bound * 1_000),
  );
  return counted.at(-1) === 0 ? [] : [{ labels, cumulative: counted, sum: sumMs / 1_000 }];
}
