import { formatDuration, type Millis } from '@ojs-ts/core';
import { AllStates, State, stateNames } from '@ojs-ts/core/job';
import { readConfig } from '../../engine/queues/queue-settings.ts';
import type { Family, Labels, Sample } from '../../engine/telemetry/series.ts';
import type { StoreReading } from '../../engine/telemetry/store-reading.ts';
import type { LimitRecord, QueueRecord } from '../../storage/storage.ts';
import { jobSeries } from './job-series.ts';

const states = stateNames(AllStates);

/** The series that are the same on every server of a store. */
export function storeSeries(reading: StoreReading): readonly Family[] {
  const { queues, oldest, at, workersByState, readers, limits, inboxDepth, backlog } = reading;
  // Made one by one as they are written, with turns for others: a store may have 10,000 queues, or more.
  function* byQueue(of: (queue: QueueRecord) => number | undefined): Generator<Sample> {
    for (const queue of queues) {
      const value = of(queue);
      if (value !== undefined) yield { labels: { queue: queue.name }, value };
    }
  }
  const known = [...limits].flatMap(([queue, limit]) => limitsOf(queue, limit, at));
  return [
    ...jobSeries(reading.totals),
    gauge('ojs_queue_depth', 'Jobs of a queue by state.', depths(queues)),
    gauge(
      'ojs_queue_oldest_seconds',
      'How long the job waits that has been available longest; 0 without one.',
      byQueue(({ name }) => Math.max(0, at - (oldest.get(name) ?? at)) / 1_000),
    ),
    gauge(
      'ojs_queue_paused',
      'Whether a queue is paused.',
      byQueue(({ paused }) => Number(paused)),
    ),
    gauge(
      'ojs_queue_capacity',
      'The most jobs that may wait in a queue, where it has such a bound.',
      byQueue(({ capacity, config }) => capacity ?? readConfig(config).maxDepth),
    ),
    gauge(
      'ojs_queue_workers',
      'Live and running workers that read a queue.',
      byQueue(({ name }) => readers.get(name) ?? 0),
    ),
    gauge(
      'ojs_dead_letter_jobs',
      'Jobs of a queue in the dead letter.',
      byQueue(({ deadLetter }) => deadLetter),
    ),
    gauge(
      'ojs_limit_max',
      "What a queue's own limit allows: jobs at once, or starts in a period.",
      known.map(({ labels, max }) => ({ labels, value: max })),
    ),
    gauge(
      'ojs_limit_used',
      "What is taken of a queue's own limit.",
      known.map(({ labels, used }) => ({ labels, value: used })),
    ),
    gauge('ojs_workers_active', 'Running workers.', [{ labels: {}, value: workersByState.running }]),
    gauge(
      'ojs_workers',
      'Known workers by state. A stale one has missed its heartbeats.',
      Object.entries(workersByState).map(([state, value]) => ({ labels: { state }, value })),
    ),
    gauge(
      'ojs_workers_busy',
      'Jobs that run.',
      byQueue(({ counts }) => counts[State.active] ?? 0),
    ),
    gauge(
      'ojs_inbox_depth',
      "Rows of users' transactions that wait for their import.",
      inboxDepth === null ? [] : [{ labels: {}, value: inboxDepth }],
    ),
    gauge(
      'ojs_retention_backlog_jobs',
      'Finished jobs beyond the number that is kept, if retention has been behind for a minute; else 0.',
      [{ labels: {}, value: backlog?.jobs ?? 0 }],
    ),
    gauge(
      'ojs_retention_late_seconds',
      'How long the oldest finished job should have been deleted, if retention has been behind for a minute; else 0.',
      [{ labels: {}, value: (backlog?.lateMs ?? 0) / 1_000 }],
    ),
  ];
}

function* depths(queues: readonly QueueRecord[]): Generator<Sample> {
  for (const { name, counts } of queues)
    for (const state of states) yield { labels: { queue: name, state }, value: counts[State[state]] ?? 0 };
}

function gauge(name: string, help: string, samples: Iterable<Sample>): Family {
  return { name, help, kind: 'gauge', samples };
}

interface KnownLimit {
  readonly labels: Labels;
  readonly max: number;
  readonly used: number;
}

/** An operator's numbers override the others. */
function limitsOf(queue: string, { own, override, active, starts }: LimitRecord, at: Millis): readonly KnownLimit[] {
  const { concurrency, rates } = override ?? own;
  return [
    ...(concurrency === null
      ? []
      : [{ labels: { queue, limit: 'concurrency', period: '' }, max: concurrency, used: active }]),
    ...rates.map(({ count, perMs }) => ({
      labels: { queue, limit: 'rate', period: formatDuration(perMs) },
      max: count,
      used: starts.filter((start) => start > at - perMs).length,
    })),
  ];
}
