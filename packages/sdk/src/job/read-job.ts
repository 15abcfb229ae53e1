import { isObject } from '@ojs-ts/core';
import { isState } from '@ojs-ts/core/job';
import { defaultRetry } from '@ojs-ts/core/lifecycle';
import { OJSAnswerError } from '../errors.ts';
import {
  booleanOf,
  compact,
  dateOf,
  eachOf,
  type JsonArray,
  listOf,
  numberOf,
  objectOf,
  oneOf,
  reader,
  textOf,
  textsOf,
  type Wire,
  wireOf,
} from '../json.ts';
import type { Job, JobErrorEntry, JobProgress } from './job.ts';
import type { JobState, RetryPolicy, UniquePolicy } from './policies.ts';
/** The envelope in an answer, which wraps it in `job` or is it. */
export function jobIn(body: unknown): unknown {
  return isObject(body) && body.job !== undefined ? body.job : body;
}

const readErrorFields = reader({
  message: (value) => textOf(value) ?? '',
  attempt: (value) => numberOf(value) ?? 0,
  retryable: booleanOf,
  details: wireOf,
  backtrace: textsOf,
});

const readJobError = objectOf((raw): JobErrorEntry => {
  const code = textOf(raw.code) ?? textOf(raw.type) ?? 'unknown';
  const occurredAt = dateOf(raw.occurred_at) ?? dateOf(raw.timestamp) ?? new Date(0);
  return { type: textOf(raw.type) ?? code, code, occurredAt, ...readErrorFields(raw) };
});

export const readRetry: (raw: Wire) => RetryPolicy = reader({
  maxAttempts: numberOf,
  initialInterval: isoOf,
  backoffCoefficient: numberOf,
  maxInterval: isoOf,
  jitter: booleanOf,
  nonRetryableErrors: textsOf,
  onExhaustion: oneOf('discard', 'dead_letter'),
  backoffStrategy: oneOf('exponential', 'linear', 'polynomial', 'none'),
});

const dimensionOf = oneOf('type', 'queue', 'args', 'meta');

const readUniqueFields = reader({
  argsKeys: textsOf,
  metaKeys: textsOf,
  period: isoOf,
  states: (value) => (Array.isArray(value) ? eachOf(value, stateOf) : undefined),
  onConflict: oneOf('reject', 'replace', 'replace_except_schedule', 'ignore'),
});

export function readUnique(raw: Wire): UniquePolicy {
  return { keys: eachOf(Array.isArray(raw.keys) ? raw.keys : raw.key, dimensionOf), ...readUniqueFields(raw) };
}

/** Undefined if nothing was reported. */
export function readProgress(raw: Wire): JobProgress | undefined {
  const fraction = numberOf(raw.progress);
  const updatedAt = dateOf(raw.updated_at);
  if (updatedAt === undefined) return undefined;
  const percent = numberOf(raw.percentage) ?? (fraction === undefined ? undefined : fraction * 100);
  return compact({ percent, message: textOf(raw.message), data: raw.data ?? undefined, updatedAt });
}

const readFields = reader({
  type: (value) => textOf(value) ?? '',
  state: (value) => stateOf(value) ?? 'available',
  queue: (value) => textOf(value) ?? 'default',
  args: listOf,
  meta: (value) => wireOf(value) ?? {},
  priority: (value) => numberOf(value) ?? 0,
  tags: (value) => textsOf(value) ?? [],
  attempt: (value) => numberOf(value) ?? 0,
  timeoutMs: numberOf,
  retry: objectOf(readRetry),
  unique: objectOf(readUnique),
  schema: textOf,
  workflowId: textOf,
  result: (value) => value,
  xProgress: objectOf(readProgress),
  error: readJobError,
  errors: (value) => eachOf(value, readJobError),
  createdAt: dateOf,
  enqueuedAt: dateOf,
  startedAt: dateOf,
  completedAt: dateOf,
  cancelledAt: dateOf,
  discardedAt: dateOf,
  scheduledAt: dateOf,
  expiresAt: dateOf,
});

/** Reads a wire envelope. The caller vouches for the type parameters of args and result: nothing here checks them. */
export function readJob<A extends JsonArray = JsonArray, R = unknown>(raw: unknown): Job<A, R>;
export function readJob(raw: unknown): Job {
  if (!isObject(raw) || typeof raw.id !== 'string')
    throw new OJSAnswerError('The answer holds no job: expected an object with an id.');
  const maxAttempts =
    numberOf(raw.max_attempts) ?? numberOf(wireOf(raw.retry)?.max_attempts) ?? defaultRetry.maxAttempts;
  const { xProgress: progress, ...fields } = readFields(raw);
  return { id: raw.id, ...fields, ...(progress && { progress }), maxAttempts, raw };
}

export function stateOf(value: unknown): JobState | undefined {
  return isState(value) ? value : undefined;
}

function isoOf(value: unknown): `P${string}` | undefined {
  return isIso(value) ? value : undefined;
}

function isIso(value: unknown): value is `P${string}` {
  return typeof value === 'string' && value.startsWith('P');
}
