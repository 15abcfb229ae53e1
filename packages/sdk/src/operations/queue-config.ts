import { isQueueName, type NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import { readRate, wireRate } from '../job/limit.ts';
import { type CreateOptions, createNames } from '../job/options.ts';
import type { Rate } from '../job/policies.ts';
import { compact, numberOf, oneOf, quoted, textOf, type Wire, wireOf } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import { expectedQueue, integer } from '../options/values.ts';
import { creating, type Queue, type QueueStats, readQueue, readQueueStats } from './queues.ts';
import { change, read } from './row.ts';

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
  ...{ concurrency: true, rate: true, maxDepth: true, overflow: true, warningThreshold: true },
};

export const queueConfigRows = {
  /** A queue with its settings and figures. @throws {JobNotFoundError} if no queue has this name. */
  getQueue: (queueName: string) => read({ operation: 'queue.get', params: { name: queueName } }, readDetail),
  /**
   * Creates a queue before its first job; otherwise the first job creates it. @throws {OJSAPIError} `conflict` if the
   * queue exists.
   */
  createQueue: (queueName: string, config?: QueueConfigRequest) => {
    if (!isQueueName(queueName)) throw OJSValidationError.of('queueName', expectedQueue(queueName));
    const body = JSON.stringify({ name: queueName, config: wireConfig(config ?? {}) });
    return change({ operation: 'queue.create', body }, readDetail, { about: { queue: queueName } });
  },
  /**
   * Deletes an empty queue. @throws {OJSAPIError} `conflict` if the queue holds jobs, also ended ones;
   * {JobNotFoundError}
   */
  deleteQueue: (queueName: string) =>
    change({ operation: 'queue.delete', params: { name: queueName } }, ({ deleted }) => ({
      deleted: deleted !== false,
      name: queueName,
    })),
  /** The settings of a queue. A queue that does not exist has the defaults. */
  queueConfig: (queueName: string) => read({ operation: 'queue.config', params: { name: queueName } }, readConfig),
  /**
   * Changes the given settings and keeps the others; null removes a setting. The change applies at once, also to
   * waiting jobs. @throws {OJSValidationError} before anything is sent.
   */
  configureQueue: {
    names: createNames,
    make: (queueName: string, config: QueueConfigRequest, { create = false }: CreateOptions) => {
      const body = JSON.stringify(wireConfig(config));
      return change(
        { operation: 'queue.configure', params: { name: queueName }, ...creating(create), body },
        readConfig,
      );
    },
  },
};

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
