import { isQueueName, type NamesOf, uuidv7 } from '@ojs-ts/core';
import type { Operation } from '../../connection/operation.ts';
import { getCall, goneIsDone } from '../../connection/recovery.ts';
import { OJSValidationError } from '../../errors.ts';
import type { Job } from '../../job/job.ts';
import { type RetryPolicy, retryNames } from '../../job/policies.ts';
import { jobIn, readJob } from '../../job/read-job.ts';
import { isJson, jsonProblem, refuse } from '../../job/validate-request.ts';
import { wireRetry } from '../../job/wire.ts';
import { compact, dateOf, type JsonArray, listOf, type Meta, numberOf, textOf, type Wire, wireOf } from '../../json.ts';
import { checkNames } from '../../options/check-names.ts';
import { expectedQueue } from '../../options/names.ts';
import { type DeadLetterFilter, deadLetterNames, wireDeadLetterFilter } from '../filter.ts';
import { type PageOf, type PageOptions, type PageQuery, pageNames, readPage } from '../page.ts';
import { numbersOf } from '../queues.ts';

/** Selects dead letters. */
export interface DeadLetterListOptions extends PageOptions, DeadLetterFilter {
  /** Also discarded jobs that are no dead letters. Default: false. */
  includeDiscarded?: boolean | undefined;
}

export const deadLetterListNames: NamesOf<DeadLetterListOptions> = {
  ...pageNames,
  ...deadLetterNames,
  includeDiscarded: true,
};

/** Changes of a dead letter before its retry. */
export interface DeadLetterRetry {
  /** Replaces the args. */
  args?: JsonArray | undefined;
  /** Replaces the members of `meta` with the same names. */
  meta?: Meta | undefined;
  /** Default: its own queue. */
  queue?: string | undefined;
  /** Replaces the fields of the retry policy with the same names. */
  retry?: RetryPolicy | undefined;
}

const changeNames: NamesOf<DeadLetterRetry> = { args: true, meta: true, queue: true, retry: retryNames };

/** Figures of the dead letter. */
export interface DeadLetterStats {
  readonly total: number;
  readonly byQueue: Readonly<Record<string, number>>;
  /** Jobs by the type of their last error, among the newest `byErrorTypeOf` jobs. */
  readonly byErrorType: Readonly<Record<string, number>>;
  /**
   * The number of jobs in `byErrorType`. The server counts only the newest; if `total` is larger, the figures are a
   * sample.
   */
  readonly byErrorTypeOf?: number;
  readonly oldestAt?: Date;
  readonly newestAt?: Date;
  /**
   * The server deletes dead letters older than `maxAge`, and the oldest beyond `maxCount`. `maxAge` is an ISO 8601
   * duration in hours, such as PT4320H for 180 days. `removedOverCap` counts those that the server has deleted beyond
   * `maxCount`.
   */
  readonly retention?: { readonly maxAge?: string; readonly maxCount?: number; readonly removedOverCap?: number };
}

/** The query of a list. */
export function deadLetterQuery(options: DeadLetterListOptions): Readonly<Record<string, string>> {
  checkNames(options, deadLetterListNames);
  const { limit: _, offset: __, signal: ___, requestTimeout: ____, includeDiscarded, ...filter } = options;
  return { ...wireDeadLetterFilter(filter), ...(includeDiscarded === true && { include: 'discarded' }) };
}

export function* listDeadLetterJobs(
  filter: Readonly<Record<string, string>>,
  query: PageQuery,
): Operation<PageOf<Job>> {
  const body = yield {
    call: { operation: 'deadLetter.list', query: { ...query, ...filter } },
    about: { queue: filter.queue },
  };
  return readPage(
    body,
    query,
    listOf(body.jobs).map((raw) => readJob(raw)),
  );
}

export function* getDeadLetterJob(jobId: string): Operation<Job> {
  return readJob(jobIn(yield { call: { operation: 'deadLetter.get', params: { id: jobId } }, about: { jobId } }));
}

export function* retryDeadLetterJob(jobId: string, changes: DeadLetterRetry = {}): Operation<Job> {
  const override = wireChanges(changes);
  const body = yield {
    call: {
      operation: 'deadLetter.retry',
      params: { id: jobId },
      idempotencyKey: uuidv7(),
      ...(Object.keys(override).length > 0 && { body: JSON.stringify({ override }) }),
    },
    about: { jobId },
    settings: {
      // On a server without idempotency keys, the state of the job shows whether the first call has retried it.
      recover: ({ code }) =>
        code === 'not_found' || code === 'conflict'
          ? {
              calls: [getCall(jobId)],
              body: ([job]) => (job === undefined || readJob(jobIn(job)).state === 'discarded' ? null : job),
            }
          : null,
    },
  };
  return readJob(jobIn(body));
}

export function* deleteDeadLetterJob(jobId: string): Operation<{ deleted: boolean; jobId: string }> {
  const call = { operation: 'deadLetter.delete', params: { id: jobId }, idempotencyKey: uuidv7() } as const;
  const body = yield { call, about: { jobId }, settings: { recover: goneIsDone } };
  return { deleted: body.deleted !== false, jobId };
}

export function* deadLetterStats(): Operation<DeadLetterStats> {
  const body: Wire = yield { call: { operation: 'deadLetter.stats' } };
  const retention = wireOf(body.retention);
  return compact({
    total: numberOf(body.total) ?? 0,
    byQueue: numbersOf(body.by_queue),
    byErrorType: numbersOf(body.by_error_type),
    byErrorTypeOf: numberOf(body.by_error_type_of),
    oldestAt: dateOf(body.oldest_at),
    newestAt: dateOf(body.newest_at),
    retention:
      retention &&
      compact({
        maxAge: textOf(retention.max_age),
        maxCount: numberOf(retention.max_count),
        removedOverCap: numberOf(retention.removed_over_cap),
      }),
  });
}

/** @throws {OJSValidationError} */
function wireChanges(changes: DeadLetterRetry): object {
  checkNames(changes, changeNames, 'changes');
  const { args, meta, queue, retry } = changes;
  if (args !== undefined && !Array.isArray(args))
    throw OJSValidationError.of('args', 'expected an array of JSON values');
  for (const [name, value] of Object.entries(compact({ args, meta })))
    if (!isJson(value)) refuse(jsonProblem(value, name));
  if (queue !== undefined && !isQueueName(queue)) throw OJSValidationError.of('queue', expectedQueue(queue));
  return compact({ args, meta, queue, retry: retry && wireRetry(retry) });
}
