import { isQueueName, type NamesOf, uuidv7 } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { OJSValidationError } from '../errors.ts';
import { readRate, wireRate } from '../job/limit.ts';
import type { Rate } from '../job/policies.ts';
import { compact, numberOf, oneOf, quoted, textOf, type Wire, wireOf } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import { expectedQueue } from '../options/names.ts';
import { integer } from '../options/values.ts';
import { creating, type Queue, type QueueStats, readQueue, readQueueStats } from './queues.ts';

/** Settings of a queue. A setting that is left out stays, and null removes it. */
export interface QueueConfigRequest {
  /** Executions at the same time, over all workers. 0 stops every start. Default: unlimited. */
  concurrency?: number | null | undefined;
  /** Starts in a sliding window, over all workers. Default: unlimited. */
  rate?: Rate | null | undefined;
  /** Jobs that may wait, with scheduled and retryable ones. Default: unlimited. */
  maxDepth?: number | null | undefined;
  /**
   * The action for a job beyond `maxDepth`: `reject` (default) refuses the job, `warn` accepts the job and adds headers
   * to the answer.
   */
  overflow?: 'reject' | 'warn' | undefined;
  /** The part of `maxDepth`, from 0 to 1, above which the server warns producers. Default: 0.8. */
  warningThreshold?: number | undefined;
}

/** The settings of a queue. Absent ones do not limit. */
export interface QueueConfig {
  readonly concurrency?: number;
  readonly rate?: { readonly limit: number; readonly period: `P${string}` };
  readonly maxDepth?: number;
  readonly overflow: 'reject' | 'warn';
  readonly warningThreshold: number;
  /** How long the server keeps ended jobs, as ISO 8601 durations; the same for all queues. */
  readonly retention?: { readonly completed?: string; readonly discarded?: string; readonly cancelled?: string };
}

/** A queue with its settings and figures. */
export interface QueueDetail extends Queue {
  readonly config: QueueConfig;
  readonly stats: QueueStats;
}

const names: NamesOf<QueueConfigRequest> = {
  concurrency: true,
  rate: true,
  maxDepth: true,
  overflow: true,
  warningThreshold: true,
};

export function* queueConfig(name: string): Operation<QueueConfig> {
  return readConfig(yield { call: { operation: 'queue.config', params: { name } }, about: { queue: name } });
}

export function* configureQueue(name: string, config: QueueConfigRequest, create: boolean): Operation<QueueConfig> {
  const body = JSON.stringify(wireConfig(config));
  return readConfig(
    yield {
      call: { operation: 'queue.configure', params: { name }, ...creating(create), body, idempotencyKey: uuidv7() },
      about: { queue: name },
    },
  );
}

export function* createQueue(name: string, config: QueueConfigRequest): Operation<QueueDetail> {
  if (!isQueueName(name)) throw OJSValidationError.of('queueName', expectedQueue(name));
  const body = JSON.stringify({ name, config: wireConfig(config) });
  return readDetail(
    yield { call: { operation: 'queue.create', body, idempotencyKey: uuidv7() }, about: { queue: name } },
  );
}

export function* getQueue(name: string): Operation<QueueDetail> {
  return readDetail(yield { call: { operation: 'queue.get', params: { name } }, about: { queue: name } });
}

export function* deleteQueue(name: string): Operation<{ deleted: boolean; name: string }> {
  const call = { operation: 'queue.delete', params: { name }, idempotencyKey: uuidv7() } as const;
  const body = yield { call, about: { queue: name } };
  return { deleted: body.deleted !== false, name };
}

/** @throws {OJSValidationError} */
function wireConfig(config: QueueConfigRequest): object {
  checkNames(config, names);
  const { concurrency, rate, maxDepth, overflow, warningThreshold } = config;
  if (overflow !== undefined && overflow !== 'reject' && overflow !== 'warn')
    throw OJSValidationError.of('overflow', `expected 'reject' or 'warn', got ${JSON.stringify(overflow)}`);
  if (warningThreshold !== undefined && !(warningThreshold >= 0 && warningThreshold <= 1))
    throw OJSValidationError.of('warningThreshold', `expected a number from 0 to 1, got ${quoted(warningThreshold)}`);
  const backpressure = compact({
    max_depth: maxDepth === null ? null : integer(maxDepth, 'maxDepth', 1),
    strategy: overflow,
    warning_threshold: warningThreshold,
  });
  return compact({
    concurrency: concurrency === null ? null : integer(concurrency, 'concurrency', 0),
    rate_limit: rate === undefined || rate === null ? rate : wireRate(rate, 'rate'),
    backpressure: Object.keys(backpressure).length === 0 ? undefined : backpressure,
  });
}

function readConfig(body: Wire): QueueConfig {
  const raw = wireOf(body.config) ?? wireOf(body.configuration) ?? body;
  const pressure = wireOf(raw.backpressure) ?? {};
  const retention = wireOf(raw.retention);
  return compact({
    concurrency: numberOf(raw.concurrency),
    rate: readRate(raw.rate_limit),
    maxDepth: numberOf(pressure.max_depth) ?? numberOf(raw.max_size),
    overflow: overflowOf(pressure.strategy) ?? overflowOf(raw.overflow_policy) ?? 'reject',
    warningThreshold: numberOf(pressure.warning_threshold) ?? 0.8,
    retention:
      retention &&
      compact({
        completed: textOf(retention.completed),
        discarded: textOf(retention.discarded),
        cancelled: textOf(retention.cancelled),
      }),
  });
}

const overflowOf = oneOf('reject', 'warn');

function readDetail(body: Wire): QueueDetail {
  return { ...readQueue(body), config: readConfig(body), stats: readQueueStats(body) };
}
