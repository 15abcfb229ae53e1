/** Requests and answers about queues, for the server and the fake of `@ojs-ts/sdk/testing`. */
import { State } from '../job/states.ts';
import { expectedQueueName, isQueueName } from '../names.ts';
import type { QueueStatistics } from '../statistics/queue-sums.ts';
import type { Millis } from '../time/clock.ts';
import { wrongValue } from './fields.ts';
import type { QueueCounts } from './lists.ts';
import { notACursor, type PageQuery, pagination } from './pages.ts';

/** A queue as lists and pauses show it. */
export interface ShownQueue {
  readonly name: string;
  readonly paused: boolean;
  readonly createdAt: Millis;
}

/** @throws ProtocolError `invalid_request` */
export function readQueueName(name: string | undefined): string {
  if (name !== undefined && isQueueName(name)) return name;
  throw wrongValue('name', `must be ${expectedQueueName}`);
}

/** Queues are listed by name, so the next page starts after the last name, even if queues were created since. */
export function pageOfQueues<Queue extends Pick<ShownQueue, 'name'>>(
  known: readonly Queue[],
  page: PageQuery,
): { readonly queues: readonly Queue[]; readonly pagination: object } {
  const all = [...known].sort((a, b) => (a.name < b.name ? -1 : 1));
  const cursor = readCursor(page.cursor);
  const from = cursor === null ? page.offset : all.findIndex(({ name }) => name > cursor);
  const queues = from < 0 ? [] : all.slice(from, from + page.limit);
  const next = queues.length > 0 && from + queues.length < all.length ? (queues.at(-1)?.name ?? null) : null;
  return { queues, pagination: pagination(page, all.length, queues.length, next) };
}

function readCursor(cursor: string | null): string | null {
  if (cursor === null || isQueueName(cursor)) return cursor;
  throw wrongValue('cursor', notACursor);
}

export function renderQueue({ name, paused, createdAt }: ShownQueue): object {
  return { name, status: statusOf(paused), paused, created_at: new Date(createdAt).toISOString() };
}

/** GET /queues/:name/stats. An unknown queue has zeros. */
export function renderQueueStats(
  name: string,
  queue: (QueueCounts & { readonly paused: boolean }) | null,
  sizes: { readonly depth: number; readonly max_depth: number | null },
  statistics: QueueStatistics,
  now: Millis,
): object {
  const counts = countsOf(queue);
  const paused = queue?.paused ?? false;
  return {
    queue: { name, ...counts, paused },
    status: statusOf(paused),
    stats: { queue: name, ...sizes, ...counts, ...renderStatistics(statistics) },
    name,
    ...counts,
    paused,
    computed_at: new Date(now).toISOString(),
  };
}

/** POST /queues/:name/pause and resume. */
export function renderPause({ name, paused }: Omit<ShownQueue, 'createdAt'>, now: Millis): object {
  const at = paused ? 'paused_at' : 'resumed_at';
  return { queue: { name, paused }, name, status: statusOf(paused), paused, [at]: new Date(now).toISOString() };
}

export function renderStatistics(statistics: QueueStatistics): object {
  const rounded = (value: number | null) => (value === null ? null : Math.round(value * 1_000) / 1_000);
  return {
    completed_last_hour: statistics.completedLastHour,
    failed_last_hour: statistics.failedLastHour,
    completed_today: statistics.completedToday,
    failed_today: statistics.failedToday,
    avg_duration_ms: rounded(statistics.averageDurationMs) ?? 0,
    avg_wait_ms: rounded(statistics.averageWaitMs) ?? 0,
    throughput_per_second: rounded(statistics.throughputPerSecond),
  };
}

export function countsOf(queue: Pick<QueueCounts, 'counts' | 'deadLetter'> | null) {
  const count = (state: State) => queue?.counts[state] ?? 0;
  return {
    available: count(State.available),
    active: count(State.active),
    scheduled: count(State.scheduled),
    retryable: count(State.retryable),
    pending: count(State.pending),
    completed: count(State.completed),
    discarded: count(State.discarded),
    cancelled: count(State.cancelled),
    dead_letter: queue?.deadLetter ?? 0,
  };
}

/** Jobs that wait or will return, which a bound counts (ojs-backpressure §5). */
export function depthOf(queue: Pick<QueueCounts, 'counts'> | null): number {
  const count = (state: State) => queue?.counts[state] ?? 0;
  return count(State.available) + count(State.scheduled) + count(State.retryable);
}

function statusOf(paused: boolean): string {
  return paused ? 'paused' : 'active';
}
