import { platform } from '#platform';
import type { ConnectionOptions } from '../connection.ts';
import { type Duration, durationMs } from '../duration.ts';
import { OJSValidationError } from '../errors.ts';
import { isQueueName } from '../names.ts';
import { onlyOne } from '../options.ts';

export interface WorkerOptions extends ConnectionOptions {
  /** Tried in this order; default `OJS_QUEUE`, else `default`. */
  queues?: string[];
  /** The most handlers that run at once; default `OJS_CONCURRENCY`, else 10; at most 10,000. */
  concurrency?: number;
  /** Pause after an empty fetch on servers without long poll; default 2 s. */
  pollInterval?: Duration;
  /** Default 5 s. A server counts a worker as dead after 30 s of silence. */
  heartbeatInterval?: Duration;
  /** How long a job stays reserved without a heartbeat, in milliseconds; default 30,000. */
  visibilityTimeoutMs?: number;
  /** Same as `visibilityTimeoutMs`. */
  visibilityTimeout?: Duration;
  /** How long `stop()` waits for handlers; default `OJS_SHUTDOWN_TIMEOUT` in seconds, else 25 s. */
  shutdownTimeout?: Duration;
  /** Whether SIGTERM, SIGINT, SIGTSTP and SIGCONT steer this worker while it runs; default true. */
  handleSignals?: boolean;
  /** Free words that the server shows with this worker. */
  labels?: string[];
}

export interface WorkerSettings {
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly pollMs: number;
  readonly heartbeatMs: number;
  readonly visibilityMs: number;
  readonly shutdownMs: number;
  readonly handleSignals: boolean;
  readonly labels: readonly string[];
}

/** A server takes heartbeats that list up to so many jobs; a longer list would cost the worker its leases. */
const maxConcurrency = 10_000;

/** Code over environment over default (SDK-009). @throws {OJSValidationError} */
export function readWorkerOptions(options: WorkerOptions): WorkerSettings {
  onlyOne({ visibilityTimeoutMs: options.visibilityTimeoutMs, visibilityTimeout: options.visibilityTimeout });
  const queues = options.queues ?? [platform.env('OJS_QUEUE') || 'default'];
  if (queues.length === 0) throw OJSValidationError.of('queues', 'expected at least one queue');
  for (const [index, queue] of queues.entries()) {
    if (!isQueueName(queue))
      throw OJSValidationError.of(`queues[${index}]`, `expected lower-case letters, digits, '-' and '.', got ${JSON.stringify(queue)}`);
  }
  return {
    queues: [...queues],
    concurrency: whole(options.concurrency ?? fromEnv('OJS_CONCURRENCY') ?? 10, 'concurrency', maxConcurrency),
    pollMs: durationMs(options.pollInterval ?? 2_000, 'pollInterval'),
    heartbeatMs: whole(durationMs(options.heartbeatInterval ?? 5_000, 'heartbeatInterval'), 'heartbeatInterval'),
    visibilityMs: whole(
      durationMs(options.visibilityTimeout ?? options.visibilityTimeoutMs ?? 30_000, 'visibilityTimeout'),
      'visibilityTimeout',
    ),
    shutdownMs: durationMs(options.shutdownTimeout ?? (fromEnv('OJS_SHUTDOWN_TIMEOUT') ?? 25) * 1000, 'shutdownTimeout'),
    handleSignals: options.handleSignals ?? true,
    labels: options.labels ?? [],
  };
}

function fromEnv(name: string): number | undefined {
  const text = platform.env(name);
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw OJSValidationError.of(name, `expected a number, got ${JSON.stringify(text)}`);
}

function whole(value: number, path: string, max = Number.POSITIVE_INFINITY): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  const range = max === Number.POSITIVE_INFINITY ? 'of at least 1' : `from 1 to ${max}`;
  throw OJSValidationError.of(path, `expected a whole number ${range}, got ${value}`);
}
