import { formatDuration, isObject, type NamesOf } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { type CallOptions, type CreateOptions, callNames, createNames } from '../job/options.ts';
import type { JobState } from '../job/policies.ts';
import { booleanOf, compact, dateOf, listOf, numberOf, textOf, type Wire, wireOf } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs } from '../options/values.ts';
import type { CamelName } from './answer.ts';
import { type Figures, figuresIn, figuresOf, numbersOf } from './figures.ts';
import { wireStates } from './filter.ts';
import { adminQuery, nextPage, type PageQuery, readPage } from './page.ts';
import { change, list, read } from './row.ts';

/** A queue as the server lists it. */
export interface Queue {
  readonly name: string;
  readonly status: 'active' | 'paused';
  readonly paused: boolean;
  readonly createdAt?: Date;
}

/** The names of the figures on the wire. */
const figures = [
  ...(['available', 'active', 'scheduled', 'retryable', 'pending', 'completed', 'discarded', 'cancelled'] as const),
  ...(['completed_last_hour', 'failed_last_hour', 'avg_duration_ms', 'avg_wait_ms', 'throughput_per_second'] as const),
] as const;

/** The figures of a queue. A figure that the server leaves out is 0. */
export interface QueueStats extends Readonly<Record<CamelName<(typeof figures)[number]>, number>> {
  readonly queue: string;
  readonly status: 'active' | 'paused';
  readonly computedAt?: Date;
}

/** A queue with its jobs by state and its load (ojs-admin-api §6.1). */
export interface QueueOverview extends Queue, Figures {
  /** Jobs by state; `dead_letter` are those of the discarded ones that wait in the dead letter. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Selects the jobs of a queue to delete. */
export interface PurgeOptions extends CallOptions {
  /** Any but `active`. */
  states: JobState | readonly JobState[];
  /** Only jobs that ended at least this long ago. Needs `states` in which jobs have ended. */
  olderThan?: Duration | undefined;
}

const purgeNames: NamesOf<PurgeOptions> = { ...callNames, states: true, olderThan: true };

export const queueRows = {
  /** All queues, from all pages. */
  listQueues,
  /** The number of jobs in each state, and the figures of the last hour. */
  queueStats: (queueName: string) => read({ operation: 'queue.stats', params: { name: queueName } }, readQueueStats),
};

/** A queue that is paused or resumed by a client exists from then on. */
export const clientQueueRows = {
  /** Workers stop fetching from the queue. The server still accepts jobs, unless it is configured to refuse them. */
  pauseQueue: (queueName: string) => changeQueue('queue.pause', queueName),
  /** Workers fetch from the queue again. */
  resumeQueue: (queueName: string) => changeQueue('queue.resume', queueName),
};

export const adminQueueRows = {
  /** The queues by name, each with its jobs by state and its load (ojs-admin-api §6.1). */
  queueOverview: () => (query: PageQuery) => list('admin.queues', query, ['items'], readOverview, adminQuery(query)),
  /**
   * Workers stop fetching from the queue. The server still accepts jobs, unless it is configured to refuse them.
   * @throws {JobNotFoundError} for an unknown queue, without `create`
   */
  pauseQueue: {
    names: createNames,
    make: (queueName: string, { create = false }: CreateOptions) => changeQueue('queue.pause', queueName, create),
  },
  /** Workers fetch from the queue again. */
  resumeQueue: {
    names: createNames,
    make: (queueName: string, { create = false }: CreateOptions) => changeQueue('queue.resume', queueName, create),
  },
  /**
   * Deletes the jobs of a queue that are in these states, for good (ojs-admin-api §6.5). A step of a workflow that is
   * deleted before its end counts as failed. @throws {OJSValidationError} before anything is sent; {OJSAPIError}
   * `invalid_request` for the state `active`; {JobNotFoundError} if no queue has this name.
   */
  purgeQueue: {
    names: purgeNames,
    make: (queueName: string, { states, olderThan }: PurgeOptions) => {
      const older_than = olderThan === undefined ? undefined : formatDuration(durationMs(olderThan, 'olderThan'));
      return purgeQueue(queueName, wireStates(states), compact({ older_than }));
    },
  },
};

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
  const { name, paused } = readQueue(raw);
  return compact({
    queue: name,
    status: statusOf(paused),
    computedAt: dateOf(raw.computed_at),
    ...figuresIn(figures, wireOf(raw.stats), wireOf(raw.queue), raw),
  });
}

/** All queues, from all pages. */
function* listQueues(): Operation<Queue[]> {
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

function readOverview(item: unknown): QueueOverview | undefined {
  const raw = wireOf(item);
  return raw && { ...readQueue(raw), ...figuresOf(raw), counts: numbersOf(raw.counts) };
}

/**
 * Puts the same members in the query and in the body: the specification has a body (ojs-admin-api §6.5), but some
 * proxies remove the body of a DELETE. A server that has much to delete answers before the end, so the call is
 * repeated.
 */
function* purgeQueue(name: string, states: readonly JobState[], age: object): Operation<{ purged: number }> {
  const query = { states: states.join(','), ...age, confirm: 'true' };
  const body = JSON.stringify({ states, ...age, confirm: true });
  for (let purged = 0; ; ) {
    const { count, isDone } = yield* change({ operation: 'queue.purge', params: { name }, query, body }, (answer) => ({
      count: numberOf(answer.purged_count) ?? 0,
      isDone: booleanOf(answer.has_more) !== true,
    }));
    purged += count;
    if (isDone || count === 0) return { purged };
  }
}

/** Pauses or resumes a queue. @param create false refuses an unknown queue */
function changeQueue(operation: 'queue.pause' | 'queue.resume', name: string, create = true): Operation<Queue> {
  return change({ operation, params: { name }, ...creating(create) }, readQueue);
}

/** Other servers know no such parameter, and create what is missing. */
export function creating(create: boolean): { readonly query?: { readonly create: 'false' } } {
  return create ? {} : { query: { create: 'false' } };
}

function statusOf(paused: boolean): 'active' | 'paused' {
  return paused ? 'paused' : 'active';
}
