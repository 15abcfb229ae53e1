import { type Answer, type OperationName, uuidv7 } from '@ojs-ts/core';
import { itemError } from '../connection/api-error.ts';
import type { Operation } from '../connection/operation.ts';
import { OJSAnswerError, type OJSAPIError, OJSValidationError } from '../errors.ts';
import { booleanOf, isWire, listOf, parseWire, textOf, type Wire } from '../json.ts';
import { type BulkFilter, type DeadLetterFilter, wireBulkFilter, wireDeadLetterFilter } from './filter.ts';

/** What became of one job. */
export type BulkItem =
  | { readonly jobId: string; readonly ok: true }
  /** Nothing was done to it. */
  | { readonly jobId: string; readonly ok: false; readonly error: OJSAPIError };

/** What became of many jobs, each by itself. */
export interface BulkResult {
  /** In the order of the ids, else as the server found them. */
  readonly items: readonly BulkItem[];
  readonly succeeded: number;
  readonly failed: number;
  /** Whether more jobs may fit: a call changes at most 10,000, and the same call again goes on. */
  readonly hasMore: boolean;
}

/** Jobs by their ids, or by what they have in common. */
export type JobTargets = readonly string[] | BulkFilter;
/** Dead letters by their ids, or by what they have in common. */
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

/** @throws {OJSValidationError} for `{ queue: process.env.QUEUE }` where the variable is not set: it would let every job fit. */
function given<F extends object>(filter: F): F {
  const missing = Object.entries(filter).find(([, value]) => value === undefined);
  if (missing === undefined) return filter;
  throw OJSValidationError.of(
    missing[0],
    'expected a value, got undefined, which would let every job fit. Leave it out where that is meant',
  );
}

function* change(operation: OperationName, body: object): Operation<BulkResult> {
  const answer = yield {
    call: { operation, body: JSON.stringify(body), idempotencyKey: uuidv7() },
    // Where nothing could be done to any of them the status says so, and the items say why.
    settings: { isAnswer: hasItems },
  };
  const items = listOf(answer.items)
    .filter(isWire)
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
    throw new OJSAnswerError('The answer does not tell what became of a job: expected a job_id.', { operation });
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
