import { isObject, uuidv7 } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { compact, dateOf, listOf, numberOf, textOf, type Wire, wireOf } from '../json.ts';
import { nextPage, type PageQuery, readPage } from './page.ts';

/** A queue as the server lists it. */
export interface Queue {
  readonly name: string;
  readonly status: 'active' | 'paused';
  readonly paused: boolean;
  readonly createdAt?: Date;
}

const counts = [
  'available',
  'active',
  'scheduled',
  'retryable',
  'pending',
  'completed',
  'discarded',
  'cancelled',
] as const;
/** The name of a figure here and on the wire. */
const rates = {
  completedLastHour: 'completed_last_hour',
  failedLastHour: 'failed_last_hour',
  avgDurationMs: 'avg_duration_ms',
  avgWaitMs: 'avg_wait_ms',
  throughputPerSecond: 'throughput_per_second',
} as const;

/** The figures of a queue. A figure that the server leaves out is 0. */
export interface QueueStats extends Readonly<Record<(typeof counts)[number] | keyof typeof rates, number>> {
  readonly queue: string;
  readonly status: 'active' | 'paused';
  readonly computedAt?: Date;
}

/** Takes `{queue: {name, paused}, status}` and the flat form. */
export function readQueue(raw: Wire): Queue {
  const inner = wireOf(raw.queue) ?? raw;
  const paused =
    inner.paused === true || raw.paused === true || textOf(raw.status) === 'paused' || inner.status === 'paused';
  return compact({
    name: textOf(inner.name) ?? '',
    status: statusOf(paused),
    paused,
    createdAt: dateOf(inner.created_at),
  });
}

/** Takes the three shapes in use: `stats`, `queue`, and the top level. */
export function readQueueStats(raw: Wire): QueueStats {
  const places = [wireOf(raw.stats), wireOf(raw.queue), raw];
  const figure = (name: string) =>
    places.map((place) => numberOf(place?.[name])).find((value) => value !== undefined) ?? 0;
  const { name, paused } = readQueue(raw);
  return compact({
    queue: name,
    status: statusOf(paused),
    computedAt: dateOf(raw.computed_at),
    available: figure('available'),
    active: figure('active'),
    scheduled: figure('scheduled'),
    retryable: figure('retryable'),
    pending: figure('pending'),
    completed: figure('completed'),
    discarded: figure('discarded'),
    cancelled: figure('cancelled'),
    completedLastHour: figure(rates.completedLastHour),
    failedLastHour: figure(rates.failedLastHour),
    avgDurationMs: figure(rates.avgDurationMs),
    avgWaitMs: figure(rates.avgWaitMs),
    throughputPerSecond: figure(rates.throughputPerSecond),
  });
}

/** All queues, from all pages. */
export function* listQueues(): Operation<Queue[]> {
  const queues: Queue[] = [];
  let query: PageQuery | null = { limit: 200, offset: undefined, cursor: undefined };
  while (query !== null) {
    const body: Wire = yield { call: { operation: 'queue.list', query: { ...query } } };
    const page = readPage(body, query, listOf(body.queues).filter(isObject).map(readQueue));
    queues.push(...page.items);
    query = nextPage(page, query);
  }
  return queues;
}

export function* queueStats(name: string): Operation<QueueStats> {
  return readQueueStats(yield { call: { operation: 'queue.stats', params: { name } }, about: { queue: name } });
}

/** Pauses or resumes a queue, with an idempotency key. */
export function* changeQueue(operation: 'queue.pause' | 'queue.resume', name: string): Operation<Queue> {
  return readQueue(yield { call: { operation, params: { name }, idempotencyKey: uuidv7() }, about: { queue: name } });
}

function statusOf(paused: boolean): 'active' | 'paused' {
  return paused ? 'paused' : 'active';
}
