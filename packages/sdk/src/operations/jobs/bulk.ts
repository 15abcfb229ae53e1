import type { Answer } from '@ojs-ts/core';
import type { OperationName } from '@ojs-ts/core/operations';
import { itemError } from '../../connection/api-error.ts';
import type { Operation } from '../../connection/operation.ts';
import { OJSAnswerError, type OJSAPIError, OJSValidationError } from '../../errors.ts';
import { booleanOf, eachOf, objectOf, parseWire, textOf, type Wire } from '../../json.ts';
import { type BulkFilter, type DeadLetterFilter, wireBulkFilter, wireDeadLetterFilter } from '../filter.ts';
import { change } from '../row.ts';

/** The outcome for one job. */
export type BulkItem =
  | { readonly jobId: string; readonly ok: true }
  /** The job is unchanged. */
  | { readonly jobId: string; readonly ok: false; readonly error: OJSAPIError };

/** The outcomes of a bulk operation. */
export interface BulkResult {
  /** In the order of the ids; for a filter in the order of the server. */
  readonly items: readonly BulkItem[];
  readonly succeeded: number;
  readonly failed: number;
  /** True if more jobs may match. One call changes at most 10,000 jobs; repeat it for the rest. */
  readonly hasMore: boolean;
}

/** Jobs by their ids or by a filter. */
export type JobTargets = readonly string[] | BulkFilter;
/** Dead letters by their ids or by a filter. */
export type DeadLetterTargets = readonly string[] | DeadLetterFilter;

export const manyRows = {
  /**
   * Cancels many jobs. A filter cancels waiting jobs only, by default available and scheduled ones; the server refuses
   * one that names only other states. Name running jobs by their ids.
   */
  cancelJobs: (targets: JobTargets) => changeJobs('bulk.cancel', targets),
  /** Restarts discarded jobs with attempt 0, and ends the pauses of retryable ones. */
  retryJobs: (targets: JobTargets) => changeJobs('bulk.retry', targets),
  /** Deletes jobs that have ended. */
  deleteJobs: (targets: JobTargets) => changeJobs('bulk.delete', targets),
  /** Restarts all matching dead letters with attempt 0; `{}` matches all. */
  retryDeadLetterJobs: (targets: DeadLetterTargets) =>
    changeMany(
      'deadLetter.retryMany',
      isIds(targets) ? { ids: idsOf(targets) } : { filter: wireDeadLetterFilter(given(targets)), confirm: true },
    ),
  /** Deletes all matching dead letters; `{}` matches all. */
  purgeDeadLetter: (filter: DeadLetterFilter) =>
    changeMany('deadLetter.purge', { filter: wireDeadLetterFilter(given(filter)), confirm: true }),
};

/** ojs-bulk-operations §6–8. */
function changeJobs(operation: 'bulk.cancel' | 'bulk.retry' | 'bulk.delete', targets: JobTargets) {
  const jobs = isIds(targets) ? { job_ids: idsOf(targets) } : { filter: wireBulkFilter(given(targets)) };
  return changeMany(operation, jobs);
}

/** @throws {OJSValidationError} for `{ queue: process.env.QUEUE }` without that variable: every job would match. */
function given<F extends object>(filter: F): F {
  const missing = Object.entries(filter).find(([, value]) => value === undefined);
  if (missing === undefined) return filter;
  throw OJSValidationError.of(
    missing[0],
    'expected a value, got undefined, which would match every job. Omit it if you mean that',
  );
}

function changeMany(operation: OperationName, body: object): Operation<BulkResult> {
  const reader = (answer: Wire): BulkResult => {
    const items = eachOf(
      answer.items,
      objectOf((raw) => readItem(raw, operation)),
    );
    const succeeded = items.filter(({ ok }) => ok).length;
    return { items, succeeded, failed: items.length - succeeded, hasMore: booleanOf(answer.has_more) ?? false };
  };
  // If every item failed, the status is 422 and the items hold the reasons.
  return change({ operation, body: JSON.stringify(body) }, reader, { settings: { isAnswer: hasItems } });
}

function hasItems({ status, text }: Answer): boolean {
  return status === 422 && Array.isArray(parseWire(text)?.items);
}

function readItem(raw: Wire, operation: OperationName): BulkItem {
  const jobId = textOf(raw.job_id);
  if (jobId === undefined)
    throw new OJSAnswerError('The answer lacks the outcome of a job: expected a job_id.', { operation });
  return raw.error === undefined
    ? { jobId, ok: true }
    : { jobId, ok: false, error: itemError(raw.error, { operation, jobId }) };
}

function isIds(targets: readonly string[] | object): targets is readonly string[] {
  return Array.isArray(targets);
}

function idsOf(ids: readonly string[]): readonly string[] {
  const wrong = ids.findIndex((id) => typeof id !== 'string');
  if (wrong >= 0)
    throw OJSValidationError.of(`[${wrong}]`, `expected the id of a job, got ${JSON.stringify(ids[wrong])}`);
  return ids;
}
