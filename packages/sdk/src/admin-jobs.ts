import { type NamesOf, uuidv7 } from '@ojs-ts/core';
import { itemError } from './api-error.ts';
import { OJSAnswerError } from './errors.ts';
import { type SubjectFilter, subjectNames, wireStates, wireSubject } from './filter.ts';
import { type Job, type JobState, jobIn, readJob } from './job.ts';
import { isWire, listOf } from './json.ts';
import { known } from './known.ts';
import type { Operation } from './operation.ts';
import { type PageOf, type PageOptions, type PageQuery, pageNames, readPage } from './page.ts';

/** Which jobs; all of what is given has to hold. */
export interface JobListOptions extends PageOptions, SubjectFilter {
  /** Default: all states. */
  state?: JobState | readonly JobState[] | undefined;
}

export const jobListNames: NamesOf<JobListOptions> = { ...pageNames, ...subjectNames, state: true };

/** @throws {OJSValidationError} A misspelt filter would let everything fit. */
export function jobQuery(options: JobListOptions): Readonly<Record<string, string>> {
  known(options, jobListNames);
  const { limit: _, offset: __, signal: ___, requestTimeout: ____, state, ...filter } = options;
  return { ...wireSubject(filter), ...(state !== undefined && { state: wireStates(state).join(',') }) };
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
  if (!isWire(item)) throw new OJSAnswerError('The answer does not tell what became of the job.', about);
  if (item.error !== undefined) throw itemError(item.error, about);
}

export function* discardJob(jobId: string): Operation<Job> {
  const call = { operation: 'job.discard', params: { id: jobId }, idempotencyKey: uuidv7() } as const;
  return readJob(jobIn(yield { call, about: { jobId } }));
}
