import type { Json, ProtocolError } from '@ojs-ts/core';
import type { BulkResult } from '../../engine/jobs/bulk.ts';
import { type Reply, refusal } from '../reply.ts';

/** Faults that stand in `errors`, beside the items, for clients of the admin dialect. */
const maxErrors = 100;

/** What was done to each: `cancelled`, `retried` or `deleted`. */
export type Done = 'cancelled' | 'retried' | 'deleted';

const actions: Readonly<Record<Done, string>> = { cancelled: 'cancel', retried: 'retry', deleted: 'delete' };

/** The answer to an operation on many jobs: its items in order, and sums under the names of ojs-bulk-operations and of ojs-admin-api. */
export function renderResult(done: Done, { items, more }: BulkResult, requestId: string): Reply {
  const faults = items.flatMap(({ id, fault }) => (fault === null ? [] : [{ id, fault }]));
  const succeeded = items.length - faults.length;
  const texts = items.map(({ id, fault }, index) => {
    const head = `{"index":${index},"job_id":${JSON.stringify(id)},"status"`;
    if (fault === null) return `${head}:"${done}"}`;
    return `${head}:"skipped","reason":${JSON.stringify(fault.message)},${errorMember(fault, requestId)}}`;
  });
  const errors = faults
    .slice(0, maxErrors)
    .map(({ id, fault }) => ({ job_id: id, error: fault.message, code: fault.code }));
  const text =
    `{"action":"${actions[done]}","total_matched":${items.length},"matched":${items.length},"${done}":${succeeded},"succeeded":${succeeded}` +
    `,"skipped":${faults.length},"failed":${faults.length},"has_more":${more},"items":[${texts.join(',')}],"errors":${JSON.stringify(errors)}}`;
  return {
    status: statusOf(succeeded, faults.length, 200),
    text,
    headers: { 'x-ojs-batch-size': String(items.length) },
  };
}

/** ojs-bulk-operations §11.2: all went well, some did, none did. */
export function statusOf(succeeded: number, failed: number, success: 200 | 201): number {
  if (failed === 0) return success;
  return succeeded === 0 ? 422 : 207;
}

/** `"error":{…}` as an answer of its own would have it. */
export function errorMember(fault: ProtocolError, requestId: string): Json {
  return refusal(fault, requestId).text.slice(1, -1);
}

/** True for an error of the store, after which the item may be tried again. */
export function isBroken(fault: ProtocolError | null): boolean {
  return fault !== null && fault.kind.status >= 500;
}
