import { isQueueName, type NamesOf } from '@ojs-ts/core';
import { platform } from '#platform';
import { type ConnectionOptions, connectionNames } from '../connection/connection.ts';
import { OJSValidationError } from '../errors.ts';
import { onlyOne } from '../job/wire.ts';
import { quoted } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs, expectedQueue } from '../options/values.ts';
import { callbackNames, type WorkerCallbacks } from './execution/callbacks.ts';
import { maxAhead } from './fetch/slots.ts';
import type { EnqueueClient } from './steps/parts.ts';

/** Options of a {@link Worker}. */
export interface WorkerOptions extends ConnectionOptions, WorkerCallbacks {
  /** Queues in the order in which they are tried. Default: `OJS_QUEUE`, else `default`. */
  queues?: string[] | undefined;
  /** The most handlers that run at the same time, at most 10,000. Default: `OJS_CONCURRENCY`, else 10. */
  concurrency?: number | undefined;
  /** Pause after an empty fetch on servers without long poll. Default: 2 s. */
  pollInterval?: Duration | undefined;
  /** Time between two heartbeats. Default: 5 s. The server counts a worker as dead after 30 s without one. */
  heartbeatInterval?: Duration | undefined;
  /** How long the lease of a job lasts without a heartbeat, in milliseconds. Default: 30,000. */
  visibilityTimeoutMs?: number | undefined;
  /** Same as `visibilityTimeoutMs`. */
  visibilityTimeout?: Duration | undefined;
  /** How long `stop()` waits for handlers. Default: `OJS_SHUTDOWN_TIMEOUT` in seconds, else 25 s. */
  shutdownTimeout?: Duration | undefined;
  /** If true, the worker follows SIGTERM, SIGINT, SIGTSTP and SIGCONT. Default: true. */
  handleSignals?: boolean | undefined;
  /**
   * How many fetched jobs may wait for a slot: a number, at most 10,000 together with `concurrency`, or `'auto'`.
   * Default: `'auto'`: as many as end during one request, at most 1,500, and none for handlers that take longer than a
   * request. Prefetching hides the latency of the server for short handlers. A waiting job has a lease and heartbeats.
   * It goes back without counting an attempt when the worker becomes quiet or ends, and after half of its timeout; with
   * `'auto'` after 250 ms. On servers without `worker.exchange`, `'auto'` means 0.
   */
  prefetch?: number | 'auto' | undefined;
  /**
   * If true, a thread with its own connection sends the heartbeats, so that a handler that blocks the event loop keeps
   * its leases. Default: true in Node with a URL as target, without a `fetch` option and without a `token` function.
   */
  heartbeatThread?: boolean | undefined;
  /**
   * If no fetch was answered for this time although slots are free, the worker opens a new connection and logs it.
   * Default: 60 s.
   */
  watchdogTimeout?: Duration | undefined;
  /** Labels that the server shows with this worker. */
  labels?: string[] | undefined;
  /**
   * How long a handler may do nothing but wait in durable calls before its job is suspended. Code beside an open wait
   * that takes longer is cut off. Default: 100 ms.
   */
  suspendAfter?: Duration | undefined;
  /** The client whose middleware the jobs of `ctx.enqueue()` pass, for example encryption. Default: no middleware. */
  client?: EnqueueClient | undefined;
}

export const workerNames: NamesOf<WorkerOptions> = {
  ...connectionNames,
  ...callbackNames,
  queues: true,
  concurrency: true,
  pollInterval: true,
  heartbeatInterval: true,
  visibilityTimeoutMs: true,
  visibilityTimeout: true,
  shutdownTimeout: true,
  handleSignals: true,
  prefetch: true,
  heartbeatThread: true,
  watchdogTimeout: true,
  labels: true,
  suspendAfter: true,
  client: true,
};

export interface WorkerSettings {
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly pollMs: number;
  readonly heartbeatMs: number;
  readonly visibilityMs: number;
  readonly shutdownMs: number;
  readonly handleSignals: boolean;
  /** The most jobs that wait for a slot. */
  readonly prefetch: number;
  /** True if the worker prefetches less if handlers take long. */
  readonly paced: boolean;
  readonly heartbeatThread: boolean;
  readonly watchdogMs: number;
  readonly labels: readonly string[];
  readonly suspendAfterMs: number;
}

/** The most jobs in a heartbeat. A longer list would be refused, and the worker would lose its leases. */
const maxConcurrency = 10_000;

/**
 * Options override the environment, which overrides defaults (SDK-009).
 * @throws {OJSValidationError}
 */
export function readWorkerOptions(options: WorkerOptions): WorkerSettings {
  onlyOne({ visibilityTimeoutMs: options.visibilityTimeoutMs, visibilityTimeout: options.visibilityTimeout });
  const queues = options.queues ?? [platform.environment?.queue() ?? 'default'];
  if (!Array.isArray(queues))
    throw OJSValidationError.of('queues', `expected an array of names, got ${JSON.stringify(queues)}`);
  if (queues.length === 0)
    throw OJSValidationError.of('queues', "expected at least one queue, such as ['default'], got []");
  for (const [index, queue] of queues.entries()) {
    if (!isQueueName(queue)) throw OJSValidationError.of(`queues[${index}]`, expectedQueue(queue));
  }
  const concurrency = whole(options.concurrency ?? fromEnv('OJS_CONCURRENCY') ?? 10, 'concurrency', 1, maxConcurrency);
  return {
    queues: [...queues],
    concurrency,
    ...readPrefetch(options.prefetch ?? 'auto', concurrency),
    pollMs: durationMs(options.pollInterval ?? 2_000, 'pollInterval'),
    heartbeatMs: whole(durationMs(options.heartbeatInterval ?? 5_000, 'heartbeatInterval'), 'heartbeatInterval'),
    visibilityMs: whole(
      durationMs(options.visibilityTimeout ?? options.visibilityTimeoutMs ?? 30_000, 'visibilityTimeout'),
      'visibilityTimeout',
    ),
    shutdownMs: durationMs(
      options.shutdownTimeout ?? (fromEnv('OJS_SHUTDOWN_TIMEOUT') ?? 25) * 1000,
      'shutdownTimeout',
    ),
    handleSignals: options.handleSignals ?? true,
    heartbeatThread: options.heartbeatThread ?? true,
    watchdogMs: whole(durationMs(options.watchdogTimeout ?? 60_000, 'watchdogTimeout'), 'watchdogTimeout'),
    labels: options.labels ?? [],
    suspendAfterMs: durationMs(options.suspendAfter ?? 100, 'suspendAfter'),
  };
}

function readPrefetch(prefetch: number | 'auto', concurrency: number): Pick<WorkerSettings, 'prefetch' | 'paced'> {
  const room = maxConcurrency - concurrency;
  if (typeof prefetch === 'number') return { prefetch: whole(prefetch, 'prefetch', 0, room), paced: false };
  if (prefetch === 'auto') return { prefetch: Math.min(maxAhead, room), paced: true };
  throw OJSValidationError.of('prefetch', `expected a whole number or 'auto', got ${JSON.stringify(prefetch)}`);
}

function fromEnv(name: string): number | undefined {
  const text = platform.environment?.text(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw OJSValidationError.of(name, `expected a number, got ${JSON.stringify(text)}`);
}

function whole(value: number, path: string, min = 1, max = Number.POSITIVE_INFINITY): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.POSITIVE_INFINITY ? `of at least ${min}` : `from ${min} to ${max}`;
  throw OJSValidationError.of(path, `expected a whole number ${range}, got ${quoted(value)}`);
}
