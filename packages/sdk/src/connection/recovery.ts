import type { Call } from '@ojs-ts/core';
import type { OJSAPIError } from '../errors.ts';
import type { Wire } from '../json.ts';
import { textOf } from '../json.ts';

/** Reports whether the server reports a duplicate that an earlier attempt of the same call has made. */
export function isOwn(error: OJSAPIError, jobIds: readonly string[]): boolean {
  const existing = textOf(error.error.details.existing_job_id);
  return error.code === 'duplicate' && existing !== undefined && jobIds.includes(existing);
}

/** If the retry of a deletion finds nothing, an earlier attempt has deleted it. */
export function goneIsDone(error: { readonly code: string }): Recovery | null {
  return error.code === 'not_found' ? { calls: [], body: () => ({ deleted: true }) } : null;
}

export function getCall(jobId: string): Call {
  return { operation: 'job.get', params: { id: jobId } };
}

/** The body is the answer to this call. */
export function asFound(call: Call): Recovery {
  return { calls: [call], body: ([found]) => found ?? null };
}

/** How to find out whether an earlier attempt took effect, after the server has refused a retry. */
export interface Recovery {
  /** Calls that must be made first. */
  readonly calls: readonly Call[];
  /** The body if the earlier attempt took effect, else null. */
  readonly body: (found: readonly Wire[]) => Wire | null;
}
