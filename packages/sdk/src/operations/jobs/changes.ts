import { isQueueName, type NamesOf } from '@ojs-ts/core';
import { outcomeOf } from '../../enqueue/single.ts';
import { OJSValidationError } from '../../errors.ts';
import type { EnqueueOutcome } from '../../job/handle.ts';
import type { Job } from '../../job/job.ts';
import { type CallOptions, callNames, type JobOptions, jobNames } from '../../job/options.ts';
import type { JobState } from '../../job/policies.ts';
import { jobIn, readJob } from '../../job/read-job.ts';
import { isJson, jsonProblem, refuse } from '../../job/validate-request.ts';
import { wireOptions } from '../../job/wire.ts';
import { compact, type JsonArray, type Meta } from '../../json.ts';
import { checkNames } from '../../options/check-names.ts';
import { expectedQueue } from '../../options/values.ts';
import { change } from '../row.ts';

/** The fields of a job that an operator may change. Fields that are left out stay as they are. */
export interface JobChanges
  extends Pick<
    JobOptions,
    'priority' | 'delayUntil' | 'scheduledAt' | 'delay' | 'tags' | 'timeout' | 'timeoutMs' | 'retry'
  > {
  /** Replaces the args. */
  args?: JsonArray | undefined;
  /** Replaces the members of `meta` with the same names. */
  meta?: Meta | undefined;
}

/** Changes of a job that waits. */
export interface JobEdit extends JobChanges {
  /** The earliest start; `now` ends the wait of a scheduled or retryable job. */
  scheduledAt?: Date | string | 'now' | undefined;
  /** The server refuses the change with `conflict` if the job differs from what the caller saw. */
  ifMatch?: { state?: JobState | undefined; attempt?: number | undefined; priority?: number | undefined } | undefined;
}

/** Changes of a job that runs again as a new one. */
export interface RerunChanges extends JobChanges {
  /** A UUIDv7 in lower case for the new job. Default: the server makes one. */
  readonly id?: string | undefined;
  /** Default: the queue of the old job. */
  queue?: string | undefined;
}

/** Changes of many jobs, the same for each. */
export interface BulkChanges extends Omit<JobEdit, 'ifMatch'> {
  /** The queue of the new jobs of a rerun. Default: the queue of each old job. */
  queue?: string | undefined;
}

const changeNames: NamesOf<JobChanges> = {
  ...{ args: true, meta: true, priority: true, delayUntil: true, scheduledAt: true, delay: true, tags: true },
  ...{ timeout: true, timeoutMs: true, retry: jobNames.retry },
};
const editNames: NamesOf<JobEdit> = { ...changeNames, ifMatch: { state: true, attempt: true, priority: true } };
const rerunNames: NamesOf<RerunChanges> = { ...changeNames, id: true, queue: true };
export const bulkChangeNames: NamesOf<BulkChanges> = { ...changeNames, queue: true };

/** The new job; or, by its unique policy, the job that has its key. */
export interface Rerun {
  readonly job: Job;
  readonly outcome: Exclude<EnqueueOutcome, 'dropped'>;
}

type RerunOptions = CallOptions & {
  changes?: RerunChanges | undefined;
  /** The new job keeps the durable steps that were recorded before this one. Excludes `changes`. */
  fromStep?: string | undefined;
  /** With `fromStep`: steps from there on that can be undone and were not stay so. */
  forget?: boolean | undefined;
};
const rerunCallNames: NamesOf<RerunOptions> = { ...callNames, changes: true, fromStep: true, forget: true };

export const changeRows = {
  /**
   * Runs an ended job again as a new job, with these changes. The new job names the old one in
   * `meta['ojs.rerun_of']`; it is no step of a workflow. The server of this project has this operation, others answer
   * `not_found`. @throws {OJSAPIError} `conflict` if the job has not ended; with `fromStep` also `undo_pending` if a step
   * that was not undone would be forgotten, and `steps_moved` if another job has the steps; {DuplicateJobError} by its
   * unique policy.
   */
  rerunJob: {
    names: rerunCallNames,
    make: (jobId: string, { changes = {}, fromStep, forget }: RerunOptions) => {
      checkNames(changes, rerunNames, 'changes');
      const { id, ...rest } = changes;
      const body = JSON.stringify({ ...compact({ id, from_step: fromStep, forget }), ...wireChanges(rest) });
      return change(
        { operation: 'job.rerun', params: { id: jobId }, body },
        (answer): Rerun => ({
          job: readJob(jobIn(answer)),
          outcome: outcomeOf(answer),
        }),
      );
    },
  },
  /**
   * Changes a job that waits: `editJob(id, { priority: 10 })`, `editJob(id, { scheduledAt: 'now' })`. An available job
   * goes behind the others of its priority. The server of this project has this operation, others answer `not_found`.
   * @throws {OJSAPIError} `conflict` if the job runs or has ended, or if its unique key would change.
   */
  editJob: (jobId: string, edit: JobEdit) => {
    checkNames(edit, editNames, 'edit');
    const { ifMatch, ...changes } = edit;
    const body = JSON.stringify({ ...wireChanges(changes), ...compact({ if_match: ifMatch }) });
    return change({ operation: 'job.edit', params: { id: jobId }, body }, (answer): Job => readJob(jobIn(answer)));
  },
};

/** The changes as the server reads them. @throws {OJSValidationError} */
export function wireChanges({ args, meta, queue, scheduledAt, ...options }: BulkChanges): object {
  if (queue !== undefined && !isQueueName(queue)) throw OJSValidationError.of('queue', expectedQueue(queue));
  if (args !== undefined && !Array.isArray(args))
    throw OJSValidationError.of('args', 'expected an array of JSON values');
  for (const [name, value] of Object.entries(compact({ args, meta })))
    if (!isJson(value)) refuse(jsonProblem(value, name));
  const timed = scheduledAt === 'now' ? {} : { scheduledAt };
  const now = scheduledAt === 'now' && { scheduled_at: scheduledAt };
  return { ...compact({ args, meta, queue }), ...wireOptions({ ...options, ...timed }), ...now };
}
