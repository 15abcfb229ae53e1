import { isObject, type NamesOf } from '@ojs-ts/core';
import { itemError } from '../../connection/api-error.ts';
import type { Operation } from '../../connection/operation.ts';
import { asFound, getCall } from '../../connection/recovery.ts';
import { OJSAnswerError, OJSValidationError } from '../../errors.ts';
import type { Job } from '../../job/job.ts';
import { type CallOptions, callNames } from '../../job/options.ts';
import type { JobState } from '../../job/policies.ts';
import { jobIn, readJob, readProgress } from '../../job/read-job.ts';
import { compact, type JsonArray, listOf, quoted } from '../../json.ts';
import { type SubjectFilter, subjectNames, wireStates, wireSubject } from '../filter.ts';
import { type PageOptions, type PageQuery, pageNames } from '../page.ts';
import { change, list, read } from '../row.ts';

/** Selects jobs. A job must match all fields that are given. */
export interface JobListOptions extends PageOptions, SubjectFilter {
  /** The query language of the server, such as `meta.tenant=acme`. Servers of other projects may ignore it. */
  query?: string | undefined;
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

const listNames: NamesOf<JobListOptions> = {
  ...pageNames,
  ...subjectNames,
  query: true,
  state: true,
  sort: true,
  order: true,
};

/** @throws {OJSValidationError} */
function jobQuery(options: JobListOptions): Readonly<Record<string, string>> {
  const { limit: _, offset: __, signal: ___, requestTimeout: ____, query: q, state, sort, order, ...filter } = options;
  if (q !== undefined && (typeof q !== 'string' || q === ''))
    throw OJSValidationError.of('query', `expected a text that is not empty, got ${quoted(q)}`);
  if (sort !== undefined && !sorts.includes(sort))
    throw OJSValidationError.of('sort', `expected one of ${sorts.join(', ')}, got ${quoted(sort)}`);
  if (order !== undefined && order !== 'asc' && order !== 'desc')
    throw OJSValidationError.of('order', `expected asc or desc, got ${quoted(order)}`);
  const states = state === undefined ? undefined : wireStates(state).join(',');
  return compact({ ...wireSubject(filter), q, state: states, sort, order });
}

export function getJob<A extends JsonArray, R>(jobId: string): Operation<Job<A, R>> {
  return read(getCall(jobId), (body) => readJob<A, R>(jobIn(body)));
}

export interface CancelOptions extends CallOptions {
  /** False leaves the durable steps of the job as they are. Default: those that can be undone are undone. */
  undo?: boolean | undefined;
}

const cancelNames: NamesOf<CancelOptions> = { ...callNames, undo: true };

export function cancelJob<A extends JsonArray, R>(jobId: string, undo?: boolean): Operation<Job<A, R>> {
  const query = undo !== undefined && { query: { undo: String(undo) } };
  return change({ operation: 'job.cancel', params: { id: jobId }, ...query }, (body) => readJob<A, R>(jobIn(body)), {
    settings: {
      recover: ({ statusCode, error }) =>
        statusCode === 409 && error.details.current_state === 'cancelled' ? asFound(getCall(jobId)) : null,
    },
  });
}

export const clientJobRows = {
  /**
   * The last progress that the job reported; null if it reported none. On the server of this project `job.progress` has
   * it too.
   */
  getProgress: (jobId: string) =>
    read({ operation: 'job.progress', params: { id: jobId } }, (body) => readProgress(body) ?? null),
  /**
   * Makes a job that was enqueued with `pending` available or scheduled. @throws {OJSAPIError} `conflict` for any other
   * job.
   */
  activateJob: (jobId: string) =>
    change({ operation: 'job.activate', params: { id: jobId } }, (body): Job => readJob(jobIn(body)), {
      // A server without idempotency keys answers a retry with 409: the job is no longer pending.
      settings: { recover: ({ statusCode }) => (statusCode === 409 ? asFound(getCall(jobId)) : null) },
    }),
};

export const jobRows = {
  /**
   * Cancels a job (CANCEL, ojs-core §7.6). If it runs, its `ctx.signal` aborts with the next heartbeat of its worker.
   * Its durable steps that can be undone are undone by another job, unless `undo` is false.
   * @throws {OJSAPIError} `conflict` if the job has ended.
   */
  cancelJob: {
    names: cancelNames,
    make: (jobId: string, { undo }: CancelOptions): Operation<Job> => cancelJob(jobId, undo),
  },
};

export const adminJobRows = {
  /** Reads a job (INFO, ojs-core §7). @throws {JobNotFoundError} */
  getJob: (jobId: string): Operation<Job> => getJob(jobId),
  /** Jobs, unfinished ones first, newest first. Iterating over the page reads the following pages too. */
  listJobs: {
    names: listNames,
    make: (options: JobListOptions) => {
      const filter = jobQuery(options);
      return (query: PageQuery) => list('job.list', query, ['jobs', 'items'], (raw): Job => readJob(raw), filter);
    },
  },
  /**
   * Restarts a discarded job with attempt 0, or ends the pause of a retryable one. @throws {OJSAPIError} `conflict` in
   * any other state.
   */
  retryJob,
  /**
   * Discards a job, with the error `discarded`. The specification has no such operation, so other servers answer
   * `not_found`.
   */
  discardJob: (jobId: string) =>
    change({ operation: 'job.discard', params: { id: jobId } }, (body): Job => readJob(jobIn(body))),
};

function* retryJob(jobId: string): Operation<Job> {
  const body = JSON.stringify({ job_ids: [jobId] });
  const [item] = yield* change({ operation: 'bulk.retry', body }, ({ items }) => listOf(items), {
    about: { jobId },
    settings: { isAnswer: ({ status }) => status === 422 },
  });
  const about = { jobId, operation: 'bulk.retry' };
  if (!isObject(item)) throw new OJSAnswerError('The answer lacks the outcome of the job.', about);
  if (item.error !== undefined) throw itemError(item.error, about);
  return yield* getJob(jobId);
}
