import { isObject, type NamesOf, uuidv7 } from '@ojs-ts/core';
import { itemError } from '../../connection/api-error.ts';
import type { Operation } from '../../connection/operation.ts';
import { asFound, getCall } from '../../connection/recovery.ts';
import { OJSAnswerError, OJSValidationError } from '../../errors.ts';
import type { Job, JobProgress } from '../../job/job.ts';
import type { JobState } from '../../job/policies.ts';
import { jobIn, readJob, readProgress } from '../../job/read-job.ts';
import { compact, type JsonArray, listOf, quoted } from '../../json.ts';
import { checkNames } from '../../options/check-names.ts';
import { type SubjectFilter, subjectNames, wireStates, wireSubject } from '../filter.ts';
import { type PageOf, type PageOptions, type PageQuery, pageNames, readPage } from '../page.ts';

export function* getJob<A extends JsonArray, R>(jobId: string): Operation<Job<A, R>> {
  return readJob<A, R>(jobIn(yield { call: getCall(jobId), about: { jobId } }));
}

export function* cancelJob<A extends JsonArray, R>(jobId: string): Operation<Job<A, R>> {
  const body = yield {
    call: { operation: 'job.cancel', params: { id: jobId }, idempotencyKey: uuidv7() },
    about: { jobId },
    settings: {
      recover: ({ statusCode, error }) =>
        statusCode === 409 && error.details.current_state === 'cancelled' ? asFound(getCall(jobId)) : null,
    },
  };
  return readJob<A, R>(jobIn(body));
}

export function* activateJob(jobId: string): Operation<Job> {
  const body = yield {
    call: { operation: 'job.activate', params: { id: jobId }, idempotencyKey: uuidv7() },
    about: { jobId },
    // A server without idempotency keys answers a retry with 409: the job is no longer pending.
    settings: { recover: ({ statusCode }) => (statusCode === 409 ? asFound(getCall(jobId)) : null) },
  };
  return readJob(jobIn(body));
}

/** null if the job reported nothing. */
export function* getProgress(jobId: string): Operation<JobProgress | null> {
  return readProgress(yield { call: { operation: 'job.progress', params: { id: jobId } }, about: { jobId } }) ?? null;
}

/** Selects jobs. A job must match all fields that are given. */
export interface JobListOptions extends PageOptions, SubjectFilter {
  /** Default: all states. */
  state?: JobState | readonly JobState[] | undefined;
  /**
   * Default: `created_at`, and for jobs that have ended their end. `scheduled_at` needs the states `scheduled` or
   * `retryable`; `priority` needs a queue and the state `available`, and lists its jobs as they start.
   */
  sort?: (typeof sorts)[number] | undefined;
  /** Default: `desc`. */
  order?: 'asc' | 'desc' | undefined;
}

const sorts = ['created_at', 'scheduled_at', 'priority'] as const;

export const jobListNames: NamesOf<JobListOptions> = {
  ...pageNames,
  ...subjectNames,
  state: true,
  sort: true,
  order: true,
};

/** @throws {OJSValidationError} for an unknown filter: without the check every job would match. */
export function jobQuery(options: JobListOptions): Readonly<Record<string, string>> {
  checkNames(options, jobListNames);
  const { limit: _, offset: __, signal: ___, requestTimeout: ____, state, sort, order, ...filter } = options;
  if (sort !== undefined && !sorts.includes(sort))
    throw OJSValidationError.of('sort', `expected one of ${sorts.join(', ')}, got ${quoted(sort)}`);
  if (order !== undefined && order !== 'asc' && order !== 'desc')
    throw OJSValidationError.of('order', `expected asc or desc, got ${quoted(order)}`);
  const states = state === undefined ? undefined : wireStates(state).join(',');
  return compact({ ...wireSubject(filter), state: states, sort, order });
}

export function* listJobs(filter: Readonly<Record<string, string>>, query: PageQuery): Operation<PageOf<Job>> {
  const body = yield {
    call: { operation: 'job.list', query: { ...query, ...filter } },
    about: { queue: filter.queue },
  };
  return readPage(
    body,
    query,
    listOf(body.jobs ?? body.items).map((raw) => readJob(raw)),
  );
}

export function* retryJob(jobId: string): Operation<void> {
  const about = { jobId, operation: 'bulk.retry' };
  const body = yield {
    call: { operation: 'bulk.retry', body: JSON.stringify({ job_ids: [jobId] }), idempotencyKey: uuidv7() },
    about: { jobId },
    settings: { isAnswer: ({ status }) => status === 422 },
  };
  const [item] = listOf(body.items);
  if (!isObject(item)) throw new OJSAnswerError('The answer lacks the outcome of the job.', about);
  if (item.error !== undefined) throw itemError(item.error, about);
}

export function* discardJob(jobId: string): Operation<Job> {
  const call = { operation: 'job.discard', params: { id: jobId }, idempotencyKey: uuidv7() } as const;
  return readJob(jobIn(yield { call, about: { jobId } }));
}
