import type { OJSAPIError } from '../errors.ts';
import { textOf } from '../json.ts';

/** Whether the job that is in the way is the one that an earlier attempt of the same call made. */
export function isOwn(error: OJSAPIError, jobIds: readonly string[]): boolean {
  const existing = textOf(error.error.details.existing_job_id);
  return error.code === 'duplicate' && existing !== undefined && jobIds.includes(existing);
}
