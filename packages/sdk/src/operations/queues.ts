import { formatDuration, isObject, type NamesOf, uuidv7 } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import type { JobState } from '../job/policies.ts';
import { booleanOf, compact, dateOf, eachOf, listOf, numberOf, textOf, type Wire, wireOf } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs } from '../options/values.ts';
import { wireStates } from './filter.ts';
import { adminQuery, nextPage, type PageOf, type PageQuery, readPage } from './page.ts';
import { type Percentiles, readPercentiles } from './percentiles.ts';

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
/** The names of the figures, here and on the wire. */
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

/** A queue with its jobs by state and its load (ojs-admin-api §6.1). */
export interface QueueOverview extends Queue {
  /** Jobs by state; `dead_letter` are those of the discarded ones that wait in the dead letter. */
  readonly counts: Readonly<Record<string, number>>;
  /** When the job that has been available longest became available; absent without an available job. */
  readonly oldestAvailableAt?: Date;
  /** Executions a minute, over the last one or two minutes. */
  readonly completedPerMinute: number;
  readonly failedPerMinute: number;
  /** Percentiles of the last hour: the wait of a job for its start, and the run of one that completed. */
  readonly waitMs: Percentiles;
  readonly durationMs: Percentiles;
}

/** Selects the jobs of a queue to delete. */
export interface PurgeOptions extends CallOptions {
  /** Any but `active`. */
  states: JobState | readonly JobState[];
  /** Only jobs that ended at least this long ago. Needs `states` in which jobs have ended. */
  olderThan?: Duration | undefined;
}

export const purgeNames: NamesOf<PurgeOptions> = { ...callNames, states: true, olderThan: true };

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

export function* queueOverview(query: PageQuery): Operation<PageOf<QueueOverview>> {
  const body = yield { call: { operation: 'admin.queues', query: adminQuery(query) } };
  return readPage(body, query, eachOf(body.items, readOverview));
}

function readOverview(item: unknown): QueueOverview | undefined {
  const raw = wireOf(item);
  if (raw === undefined) return undefined;
  const throughput = wireOf(raw.throughput);
  return compact({
    ...readQueue(raw),
    counts: numbersOf(raw.counts),
    oldestAvailableAt: dateOf(raw.oldest_available_at),
    completedPerMinute: numberOf(throughput?.processed_per_minute) ?? 0,
    failedPerMinute: numberOf(throughput?.failed_per_minute) ?? 0,
    waitMs: readPercentiles(raw.latency_ms),
    durationMs: readPercentiles(raw.duration_ms),
  });
}

/** The members that are numbers. */
export function numbersOf(value: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(wireOf(value) ?? {}).flatMap(([name, count]) => (typeof count === 'number' ? [[name, count]] : [])),
  );
}

/** The request of a purge. */
interface PurgeRequest {
  readonly query: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Puts the same members in the query and in the body: the specification has a body (ojs-admin-api §6.5), but some
 * proxies remove the body of a DELETE. @throws {OJSValidationError}
 */
export function purgeRequest({ states: wanted, olderThan }: PurgeOptions): PurgeRequest {
  const states = wireStates(wanted);
  const age = compact({
    older_than: olderThan === undefined ? undefined : formatDuration(durationMs(olderThan, 'olderThan')),
  });
  return {
    query: { states: states.join(','), ...age, confirm: 'true' },
    body: JSON.stringify({ states, ...age, confirm: true }),
  };
}

/** A server that has much to delete answers before the end, so the call is repeated. */
export function* purgeQueue(name: string, request: PurgeRequest): Operation<{ purged: number }> {
  for (let purged = 0; ; ) {
    const call = { operation: 'queue.purge', params: { name }, ...request, idempotencyKey: uuidv7() } as const;
    const body: Wire = yield { call, about: { queue: name } };
    const count = numberOf(body.purged_count) ?? 0;
    purged += count;
    if (booleanOf(body.has_more) !== true || count === 0) return { purged };
  }
}

export function* queueStats(name: string): Operation<QueueStats> {
  return readQueueStats(yield { call: { operation: 'queue.stats', params: { name } }, about: { queue: name } });
}

/** Pauses or resumes a queue, with an idempotency key. @param create false refuses an unknown queue */
export function* changeQueue(operation: 'queue.pause' | 'queue.resume', name: string, create = true): Operation<Queue> {
  const call = { operation, params: { name }, ...creating(create), idempotencyKey: uuidv7() } as const;
  return readQueue(yield { call, about: { queue: name } });
}

/** Other servers know no such parameter, and create what is missing. */
export function creating(create: boolean): { readonly query?: { readonly create: 'false' } } {
  return create ? {} : { query: { create: 'false' } };
}

function statusOf(paused: boolean): 'active' | 'paused' {
  return paused ? 'paused' : 'active';
}
