import { type Answer, isObject, uuidv7 } from '@ojs-ts/core';
import type { OperationName } from '@ojs-ts/core/operations';
import { itemError } from '../../connection/api-error.ts';
import type { Operation } from '../../connection/operation.ts';
import { OJSAnswerError, type OJSAPIError, OJSValidationError } from '../../errors.ts';
import { booleanOf, listOf, parseWire, textOf, type Wire } from '../../json.ts';
import { type BulkFilter, type DeadLetterFilter, wireBulkFilter, wireDeadLetterFilter } from '../filter.ts';

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

/** ojs-bulk-operations §6–8. */
export function changeJobs(
  operation: 'bulk.cancel' | 'bulk.retry' | 'bulk.delete',
  targets: JobTargets,
): Operation<BulkResult> {
  return change(operation, isIds(targets) ? { job_ids: idsOf(targets) } : { filter: wireBulkFilter(given(targets)) });
}

export function retryDeadLetters(targets: DeadLetterTargets): Operation<BulkResult> {
  return change(
    'deadLetter.retryMany',
    isIds(targets) ? { ids: idsOf(targets) } : { filter: wireDeadLetterFilter(given(targets)), confirm: true },
  );
}

export function purgeDeadLetters(filter: DeadLetterFilter): Operation<BulkResult> {
  return change('deadLetter.purge', { filter: wireDeadLetterFilter(given(filter)), confirm: true });
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

function* change(operation: OperationName, body: object): Operation<BulkResult> {
  const answer = yield {
    call: { operation, body: JSON.stringify(body), idempotencyKey: uuidv7() },
    // If every item failed, the status is 422 and the items hold the reasons.
    settings: { isAnswer: hasItems },
  };
  const items = listOf(answer.items)
    .filter(isObject)
    .map((raw) => readItem(raw, operation));
  const succeeded = items.filter(({ ok }) => ok).length;
  return { items, succeeded, failed: items.length - succeeded, hasMore: booleanOf(answer.has_more) ?? false };
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
