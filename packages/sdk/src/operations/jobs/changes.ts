import { isQueueName, type NamesOf, uuidv7 } from '@ojs-ts/core';
import type { Operation } from '../../connection/operation.ts';
import { outcomeOf } from '../../enqueue/single.ts';
import { OJSValidationError } from '../../errors.ts';
import type { EnqueueOutcome } from '../../job/handle.ts';
import type { Job } from '../../job/job.ts';
import { type JobOptions, jobNames } from '../../job/options.ts';
import type { JobState } from '../../job/policies.ts';
import { jobIn, readJob } from '../../job/read-job.ts';
import { isJson, jsonProblem, refuse } from '../../job/validate-request.ts';
import { wireOptions } from '../../job/wire.ts';
import { compact, type JsonArray, type Meta } from '../../json.ts';
import { checkNames } from '../../options/check-names.ts';
import { expectedQueue } from '../../options/names.ts';

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
  args: true,
  meta: true,
  priority: true,
  delayUntil: true,
  scheduledAt: true,
  delay: true,
  tags: true,
  timeout: true,
  timeoutMs: true,
  retry: jobNames.retry,
};
const editNames: NamesOf<JobEdit> = { ...changeNames, ifMatch: { state: true, attempt: true, priority: true } };
const rerunNames: NamesOf<RerunChanges> = { ...changeNames, id: true, queue: true };
export const bulkChangeNames: NamesOf<BulkChanges> = { ...changeNames, queue: true };

/** The new job; or, by its unique policy, the job that has its key. */
export interface Rerun {
  readonly job: Job;
  readonly outcome: Exclude<EnqueueOutcome, 'dropped'>;
}

export function* rerunJob(jobId: string, changes: RerunChanges = {}): Operation<Rerun> {
  checkNames(changes, rerunNames, 'changes');
  const { id, ...rest } = changes;
  const body = yield {
    call: {
      operation: 'job.rerun',
      params: { id: jobId },
      idempotencyKey: uuidv7(),
      body: JSON.stringify({ ...compact({ id }), ...wireChanges(rest) }),
    },
    about: { jobId },
  };
  return { job: readJob(jobIn(body)), outcome: outcomeOf(body) };
}

export function* editJob(jobId: string, edit: JobEdit): Operation<Job> {
  checkNames(edit, editNames, 'edit');
  const { ifMatch, ...changes } = edit;
  const body = yield {
    call: {
      operation: 'job.edit',
      params: { id: jobId },
      idempotencyKey: uuidv7(),
      body: JSON.stringify({ ...wireChanges(changes), ...compact({ if_match: ifMatch }) }),
    },
    about: { jobId },
  };
  return readJob(jobIn(body));
}

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
