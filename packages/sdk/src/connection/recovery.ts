import type { Call } from '@ojs-ts/core';
import type { OJSAPIError } from '../errors.ts';
import type { Wire } from '../json.ts';
import { textOf } from '../json.ts';

/** Whether the job that is in the way is the one that an earlier attempt of the same call made. */
export function isOwn(error: OJSAPIError, jobIds: readonly string[]): boolean {
  const existing = textOf(error.error.details.existing_job_id);
  return error.code === 'duplicate' && existing !== undefined && jobIds.includes(existing);
}

/** What a repeated deletion no longer finds was deleted by its first attempt. */
export function goneIsDone(error: { readonly code: string }): Recovery | null {
  return error.code === 'not_found' ? { calls: [], body: () => ({ deleted: true }) } : null;
}

export function getCall(jobId: string): Call {
  return { operation: 'job.get', params: { id: jobId } };
}

/** The body is what this call finds. */
export function asFound(call: Call): Recovery {
  return { calls: [call], body: ([found]) => found ?? null };
}

/** How a refused repetition of a call whose first outcome is unknown may still turn out well. */
export interface Recovery {
  /** What to ask first. */
  readonly calls: readonly Call[];
  /** The body that says the first call took effect, or null. */
  readonly body: (found: readonly Wire[]) => Wire | null;
}
