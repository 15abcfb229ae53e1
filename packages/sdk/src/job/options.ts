import type { NamesOf } from '@ojs-ts/core';
import { compact, type Meta } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import type { JobLimit, RetryPolicy, UniquePolicy } from './policies.ts';
import { retryNames, uniqueNames } from './policies.ts';

/** Options of every method that calls the server. */
export interface CallOptions {
  /** If it aborts, the call rejects at once with its reason. */
  signal?: AbortSignal | undefined;
  /** Deadline of the call with its retries. Default: `timeout` of the client. */
  requestTimeout?: Duration | undefined;
}

/** Options of a change that can create what it names. */
export interface CreateOptions extends CallOptions {
  /**
   * Creates a queue or a limit that does not exist yet. Default: false, because the name may be misspelled: the call is
   * refused with the nearest known name.
   */
  create?: boolean | undefined;
}

export const callNames: NamesOf<CallOptions> = { signal: true, requestTimeout: true };
export const createNames: NamesOf<CreateOptions> = { ...callNames, create: true };

/** Options of a job. */
export interface JobOptions {
  /** A UUIDv7 in lower case. Default: the client makes one. */
  readonly id?: string | undefined;
  /** Default: `queue` of the client. */
  queue?: string | undefined;
  /** Free fields, JSON. The server passes them through. */
  meta?: Meta | undefined;
  /** −100 to 100, higher first. Default: 0. */
  priority?: number | undefined;
  /** The longest time of one execution, in milliseconds. Default: 30 minutes, by the server. */
  timeoutMs?: number | undefined;
  /** The earliest start. A text needs a zone (RFC 3339). */
  delayUntil?: Date | string | undefined;
  /** The server discards the job if it has not started by then. */
  expiresAt?: Date | string | undefined;
  /** Fields that are left out have the default of the server. */
  retry?: RetryPolicy | undefined;
  /** Default: no job is a duplicate. */
  unique?: UniquePolicy | undefined;
  /** Words to find and filter jobs by. */
  tags?: readonly string[] | undefined;
  /** URI of the schema of `args`. */
  schema?: string | undefined;
  /** Same as `timeoutMs`. */
  timeout?: Duration | undefined;
  /** `delayUntil` as a time from now, by the clock of the server. */
  delay?: Duration | undefined;
  /** Same as `delayUntil`. */
  scheduledAt?: Date | string | undefined;
  /** How long the lease lasts without a heartbeat, in milliseconds. Default: the setting of the worker. */
  visibilityTimeoutMs?: number | undefined;
  /** Limits that the job shares with others, at most 8. A job that a limit holds back stays in its queue. */
  limits?: readonly JobLimit[] | undefined;
  /**
   * How long the server keeps the result after the end of the job, in whole seconds. 0 keeps none, `forever` as long as
   * the job. Default: 7 days.
   */
  resultTtl?: Duration | 'forever' | undefined;
  /** The largest result, in bytes of JSON; a larger one fails the attempt. Default: the limit of the server. */
  resultSizeLimit?: number | undefined;
  /**
   * The longest time from the enqueue to the end, with all attempts and pauses, in whole seconds. Then the server
   * discards the job.
   */
  totalTimeout?: Duration | undefined;
  /** The longest time from the enqueue to the first start, in whole seconds. Then the server discards the job. */
  enqueueTtl?: Duration | undefined;
  /** The time that an execution has to end after its timeout, in whole seconds. Default: 0. */
  gracePeriod?: Duration | undefined;
  /** The longest silence of an execution after its first heartbeat, in whole seconds. Default: one minute. */
  heartbeatTimeout?: Duration | undefined;
  /** The job waits for {@link Client.activateJob}. Default: false. */
  pending?: boolean | undefined;
}

export const jobNames: NamesOf<JobOptions> = {
  id: true,
  queue: true,
  meta: true,
  priority: true,
  timeoutMs: true,
  delayUntil: true,
  expiresAt: true,
  retry: retryNames,
  unique: uniqueNames,
  tags: true,
  schema: true,
  timeout: true,
  delay: true,
  scheduledAt: true,
  visibilityTimeoutMs: true,
  limits: true,
  resultTtl: true,
  resultSizeLimit: true,
  totalTimeout: true,
  enqueueTtl: true,
  gracePeriod: true,
  heartbeatTimeout: true,
  pending: true,
};

/** Options that the wire has in whole seconds: their member of a request and of a job, and the least. */
export const wholeSeconds = [
  ['totalTimeout', 'total_timeout', 1],
  ['enqueueTtl', 'enqueue_ttl', 1],
  ['gracePeriod', 'grace_period', 0],
  ['heartbeatTimeout', 'heartbeat_timeout', 1],
] as const;

/** Options of `enqueue`: of the job and of the call. */
export interface EnqueueOptions extends JobOptions, CallOptions {}

export const enqueueNames: NamesOf<EnqueueOptions> = { ...jobNames, ...callNames };

/** Options that exclude each other. */
export const spellings: readonly (readonly (keyof JobOptions)[])[] = [
  ['timeoutMs', 'timeout'],
  ['delayUntil', 'scheduledAt', 'delay'],
];

/** The options of a call over the defaults of its job. Another spelling of a default replaces that default. */
export function withDefaults(defaults: JobOptions | undefined, options: JobOptions): JobOptions {
  if (defaults === undefined) return options;
  const merged = { ...defaults, ...compact(options) };
  for (const group of spellings) {
    if (group.every((name) => options[name] === undefined)) continue;
    for (const name of group) if (options[name] === undefined) delete merged[name];
  }
  return merged;
}

/** The request, in the queue of the client if it names none. */
export function inQueue<T extends { queue?: string | undefined }>(request: T, queue: string | undefined): T {
  return request.queue === undefined && queue !== undefined ? { ...request, queue } : request;
}
