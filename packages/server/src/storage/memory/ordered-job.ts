import type { JobRecord } from '@ojs-ts/core';

/** What the indexes know of a job. */
export interface OrderedJob {
  /** Order of creation. */
  readonly number: number;
  /** Place in the queue; a new one at every entry into `available`, -1 once the job is removed. */
  order: number;
  job: JobRecord;
}
