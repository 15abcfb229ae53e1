import type { NamesOf } from '@ojs-ts/core';
import { compact, type Meta } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import type { JobLimit, RetryPolicy, UniquePolicy } from './policies.ts';
import { retryNames, uniqueNames } from './policies.ts';

/** What every method takes. */
export interface CallOptions {
  /** Aborting rejects the call at once with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Deadline of the whole call, retries included; default: the client's `timeout`. */
  requestTimeout?: Duration | undefined;
}

export const callNames: NamesOf<CallOptions> = { signal: true, requestTimeout: true };

/** Everything that can be said of a job besides its type and args. */
export interface JobOptions {
  /** A UUIDv7 in lower case; minted here where it is left out. */
  readonly id?: string | undefined;
  /** Default: the client's `queue`. */
  queue?: string | undefined;
  /** Passed through as it is; JSON. */
  meta?: Meta | undefined;
  /** −100 to 100, higher first; default 0. */
  priority?: number | undefined;
  /** How long one execution may take, in milliseconds; default: the server's 30 minutes. */
  timeoutMs?: number | undefined;
  /** Not before this time; a text has a zone (RFC 3339). */
  delayUntil?: Date | string | undefined;
  /** Past it the job is discarded instead of started. */
  expiresAt?: Date | string | undefined;
  /** Fields that are left out have the server's default. */
  retry?: RetryPolicy | undefined;
  /** Default: any number of the same. */
  unique?: UniquePolicy | undefined;
  /** For finding and filtering. */
  tags?: readonly string[] | undefined;
  /** URI of the schema of `args`. */
  schema?: string | undefined;
  /** Same as `timeoutMs`. */
  timeout?: Duration | undefined;
  /** From now on; same as `delayUntil`. */
  delay?: Duration | undefined;
  /** Same as `delayUntil`. */
  scheduledAt?: Date | string | undefined;
  /** How long the job stays reserved without a heartbeat, in milliseconds; default: the worker's. */
  visibilityTimeoutMs?: number | undefined;
  /** What it may not run beside, at most 8; a job that has to wait stays in its queue. */
  limits?: readonly JobLimit[] | undefined;
  /** How long the result is kept after the end of the job, in whole seconds; 0 keeps none, `forever` as long as the job. Default: 7 days. */
  resultTtl?: Duration | 'forever' | undefined;
  /** The most bytes that the result may have, as JSON; a larger one fails the attempt. Default: no limit of its own. */
  resultSizeLimit?: number | undefined;
  /** From the enqueue to the end, all attempts and pauses included, in whole seconds; past it the job is discarded. */
  totalTimeout?: Duration | undefined;
  /** From the enqueue to the first start, in whole seconds; past it the job is discarded instead of started. */
  enqueueTtl?: Duration | undefined;
  /** What an execution that has reached its timeout is given to end, in whole seconds; default: nothing. */
  gracePeriod?: Duration | undefined;
  /** How long an execution that has sent a heartbeat may be silent, in whole seconds; default: one minute. */
  heartbeatTimeout?: Duration | undefined;
  /** Waits for {@link Client.activateJob} before anything else happens to it. */
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

/** What `enqueue` takes: the options of the job and of the call. */
export interface EnqueueOptions extends JobOptions, CallOptions {}

export const enqueueNames: NamesOf<EnqueueOptions> = { ...jobNames, ...callNames };

/** Options of which only one can be said. */
export const spellings: readonly (readonly (keyof JobOptions)[])[] = [
  ['timeoutMs', 'timeout'],
  ['delayUntil', 'scheduledAt', 'delay'],
];

/** The options of a call over the defaults of its job; another spelling of a default replaces it too. */
export function withDefaults(defaults: JobOptions | undefined, options: JobOptions): JobOptions {
  if (defaults === undefined) return options;
  const merged = { ...defaults, ...compact(options) };
  for (const group of spellings) {
    if (group.every((name) => options[name] === undefined)) continue;
    for (const name of group) if (options[name] === undefined) delete merged[name];
  }
  return merged;
}

/** The queue of a client is that of what names none. */
export function inQueue<T extends { queue?: string | undefined }>(request: T, queue: string | undefined): T {
  return request.queue === undefined && queue !== undefined ? { ...request, queue } : request;
}
