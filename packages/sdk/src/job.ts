import { isState, type StateName } from '@ojs-ts/core';
import { OJSError } from './errors.ts';
import { booleanOf, compact, dateOf, isWire, numberOf, textOf, textsOf, type Wire, wireOf } from './json.ts';
import type { RetryPolicy, UniquePolicy } from './options.ts';

/** Args: an array of JSON values. */
export type JsonArray = readonly unknown[];
/** Free fields of a job. */
export type Meta = Record<string, unknown>;
/** The eight states of ojs-core §6. */
export type JobState = StateName;

/** One failed attempt (digest §1.4, form 1). */
export interface JobErrorEntry {
  readonly type: string;
  readonly code: string;
  readonly message: string;
  readonly attempt: number;
  readonly occurredAt: Date;
  readonly retryable?: boolean;
  readonly details?: Meta;
  readonly backtrace?: readonly string[];
}

/** A job as the server described it (digest §1.2). `args`, `meta` and `result` are as they came; timestamps are Dates, their text stands in `raw`. */
export interface Job<A extends JsonArray = JsonArray, R = unknown> {
  readonly id: string;
  readonly type: string;
  readonly state: JobState;
  readonly queue: string;
  readonly args: A;
  readonly meta: Meta;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly timeoutMs?: number;
  readonly retry?: RetryPolicy;
  readonly unique?: UniquePolicy;
  readonly schema?: string;
  readonly workflowId?: string;
  readonly result?: R;
  /** The last failure; gone once the job has completed. */
  readonly error?: JobErrorEntry;
  /** Failed attempts, oldest first. */
  readonly errors: readonly JobErrorEntry[];
  readonly createdAt?: Date;
  readonly enqueuedAt?: Date;
  readonly startedAt?: Date;
  readonly completedAt?: Date;
  readonly cancelledAt?: Date;
  readonly discardedAt?: Date;
  readonly scheduledAt?: Date;
  readonly expiresAt?: Date;
  /** The envelope as received. */
  readonly raw: Wire;
}

/** The envelope in an answer, which wraps it in `job` or is it. */
export function jobIn(body: unknown): unknown {
  return isWire(body) && body.job !== undefined ? body.job : body;
}

/** Reads a wire envelope. What the type parameters promise about args and result is the caller's word: nothing here checks it. */
export function readJob<A extends JsonArray = JsonArray, R = unknown>(raw: unknown): Job<A, R>;
export function readJob(raw: unknown): Job {
  if (!isWire(raw) || typeof raw.id !== 'string') throw new OJSError('The answer holds no job: expected an object with an id.');
  return compact({
    id: raw.id,
    type: textOf(raw.type) ?? '',
    state: isState(raw.state) ? raw.state : 'available',
    queue: textOf(raw.queue) ?? 'default',
    args: Array.isArray(raw.args) ? raw.args : [],
    meta: wireOf(raw.meta) ?? {},
    priority: numberOf(raw.priority) ?? 0,
    tags: textsOf(raw.tags) ?? [],
    attempt: numberOf(raw.attempt) ?? 0,
    maxAttempts: numberOf(raw.max_attempts) ?? numberOf(wireOf(raw.retry)?.max_attempts) ?? 3,
    timeoutMs: numberOf(raw.timeout_ms),
    retry: isWire(raw.retry) ? readRetry(raw.retry) : undefined,
    unique: isWire(raw.unique) ? readUnique(raw.unique) : undefined,
    schema: textOf(raw.schema),
    workflowId: textOf(raw.workflow_id),
    result: raw.result,
    error: readJobError(raw.error),
    errors: (Array.isArray(raw.errors) ? raw.errors : []).map(readJobError).filter((entry) => entry !== undefined),
    createdAt: dateOf(raw.created_at),
    enqueuedAt: dateOf(raw.enqueued_at),
    startedAt: dateOf(raw.started_at),
    completedAt: dateOf(raw.completed_at),
    cancelledAt: dateOf(raw.cancelled_at),
    discardedAt: dateOf(raw.discarded_at),
    scheduledAt: dateOf(raw.scheduled_at),
    expiresAt: dateOf(raw.expires_at),
    raw,
  });
}

function readJobError(raw: unknown): JobErrorEntry | undefined {
  if (!isWire(raw)) return undefined;
  const code = textOf(raw.code) ?? textOf(raw.type) ?? 'unknown';
  return compact({
    type: textOf(raw.type) ?? code,
    code,
    message: textOf(raw.message) ?? '',
    attempt: numberOf(raw.attempt) ?? 0,
    occurredAt: dateOf(raw.occurred_at) ?? dateOf(raw.timestamp) ?? new Date(0),
    retryable: booleanOf(raw.retryable),
    details: wireOf(raw.details),
    backtrace: textsOf(raw.backtrace),
  });
}

export function readRetry(raw: Wire): RetryPolicy {
  return compact({
    maxAttempts: numberOf(raw.max_attempts),
    initialInterval: isoOf(raw.initial_interval),
    backoffCoefficient: numberOf(raw.backoff_coefficient),
    maxInterval: isoOf(raw.max_interval),
    jitter: booleanOf(raw.jitter),
    nonRetryableErrors: textsOf(raw.non_retryable_errors),
    onExhaustion: isExhaustion(raw.on_exhaustion) ? raw.on_exhaustion : undefined,
  });
}

function isExhaustion(value: unknown): value is NonNullable<RetryPolicy['onExhaustion']> {
  return value === 'discard' || value === 'dead_letter';
}

const dimensions: ReadonlySet<unknown> = new Set(['type', 'queue', 'args', 'meta']);
const conflicts: ReadonlySet<unknown> = new Set(['reject', 'replace', 'replace_except_schedule', 'ignore']);

function isDimension(value: unknown): value is UniquePolicy['keys'][number] {
  return dimensions.has(value);
}

function isConflict(value: unknown): value is NonNullable<UniquePolicy['onConflict']> {
  return conflicts.has(value);
}

function readUnique(raw: Wire): UniquePolicy {
  const keys = Array.isArray(raw.keys) ? raw.keys : Array.isArray(raw.key) ? raw.key : [];
  return compact({
    keys: keys.filter(isDimension),
    argsKeys: textsOf(raw.args_keys),
    metaKeys: textsOf(raw.meta_keys),
    period: isoOf(raw.period),
    states: Array.isArray(raw.states) ? raw.states.filter(isState) : undefined,
    onConflict: isConflict(raw.on_conflict) ? raw.on_conflict : undefined,
  });
}

function isoOf(value: unknown): `P${string}` | undefined {
  return isIso(value) ? value : undefined;
}

function isIso(value: unknown): value is `P${string}` {
  return typeof value === 'string' && value.startsWith('P');
}
