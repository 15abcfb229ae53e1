import type { NamesOf } from '@ojs-ts/core';
import type { Answers } from '@ojs-ts/core/schemas';
import { getCall } from '../../connection/recovery.ts';
import { type CallOptions, callNames } from '../../job/options.ts';
import { type RetryPolicy, retryNames } from '../../job/policies.ts';
import { jobIn, readJob } from '../../job/read-job.ts';
import type { JsonArray, Meta } from '../../json.ts';
import { checkNames } from '../../options/check-names.ts';
import { type Camel, camel } from '../answer.ts';
import { numbersOf } from '../figures.ts';
import { type DeadLetterFilter, deadLetterNames, wireDeadLetterFilter } from '../filter.ts';
import { type PageOptions, type PageQuery, pageNames } from '../page.ts';
import { change, list, read, remove } from '../row.ts';
import { wireChanges } from './changes.ts';

/** Selects dead letters. */
export interface DeadLetterListOptions extends PageOptions, DeadLetterFilter {
  /** Also discarded jobs that are no dead letters. Default: false. */
  includeDiscarded?: boolean | undefined;
}

/** Changes of a dead letter before its retry. */
export interface DeadLetterRetry {
  /** Replaces the args. */
  args?: JsonArray | undefined;
  /** Replaces the members of `meta` with the same names. */
  meta?: Meta | undefined;
  /** Default: its own queue. */
  queue?: string | undefined;
  /** Replaces the fields of the retry policy with the same names. */
  retry?: RetryPolicy | undefined;
}

type RetryOptions = CallOptions & { changes?: DeadLetterRetry | undefined };

const listNames: NamesOf<DeadLetterListOptions> = { ...pageNames, ...deadLetterNames, includeDiscarded: true };
const changeNames: NamesOf<DeadLetterRetry> = { args: true, meta: true, queue: true, retry: retryNames };
const retryCallNames: NamesOf<RetryOptions> = { ...callNames, changes: true };

type Answer = Answers['deadLetter.stats'];
/** Figures of the dead letter: by queue, and by the type of the last error. */
export interface DeadLetterStats extends Omit<Camel<Answer>, 'byErrorTypeOf' | 'retention'> {
  /**
   * The number of jobs in `byErrorType`. The server counts only the newest; if `total` is larger, the figures are a
   * sample.
   */
  readonly byErrorTypeOf?: number;
  /**
   * The server deletes dead letters older than `maxAge`, and the oldest beyond `maxCount`. `maxAge` is an ISO 8601
   * duration in hours, such as PT4320H for 180 days. `removedOverCap` counts those that the server has deleted beyond
   * `maxCount`.
   */
  readonly retention?: Partial<Camel<Answer['retention']>>;
}

export const deadLetterRows = {
  /**
   * Dead letters, newest first: discarded jobs with `onExhaustion: 'dead_letter'` in their retry policy. A job must
   * match the whole filter.
   */
  listDeadLetterJobs: {
    names: listNames,
    make: ({ includeDiscarded, ...options }: DeadLetterListOptions) => {
      const { limit: _, offset: __, signal: ___, requestTimeout: ____, ...filter } = options;
      const more = { ...wireDeadLetterFilter(filter), ...(includeDiscarded === true && { include: 'discarded' }) };
      return (query: PageQuery) => list('deadLetter.list', query, ['jobs'], (raw) => readJob(raw), more);
    },
  },
  /**
   * Makes the job available again with attempt 0 and these changes. Its error history stays. @throws {JobNotFoundError}
   */
  retryDeadLetterJob: {
    names: retryCallNames,
    make: (jobId: string, { changes = {} }: RetryOptions) => {
      checkNames(changes, changeNames, 'changes');
      const override = wireChanges(changes);
      const body = Object.keys(override).length > 0 && { body: JSON.stringify({ override }) };
      return change({ operation: 'deadLetter.retry', params: { id: jobId }, ...body }, readOne, {
        settings: {
          // On a server without idempotency keys, the state of the job shows whether the first call has retried it.
          recover: ({ code }) =>
            code === 'not_found' || code === 'conflict'
              ? {
                  calls: [getCall(jobId)],
                  body: ([job]) => (job === undefined || readJob(jobIn(job)).state === 'discarded' ? null : job),
                }
              : null,
        },
      });
    },
  },
  /** Deletes a dead letter. @throws {JobNotFoundError} if the job is none. */
  deleteDeadLetterJob: (jobId: string) => remove({ operation: 'deadLetter.delete', params: { id: jobId } }, { jobId }),
};

export const adminDeadLetterRows = {
  /** Reads a dead letter. @throws {JobNotFoundError} if the job is none. */
  getDeadLetterJob: (jobId: string) => read({ operation: 'deadLetter.get', params: { id: jobId } }, readOne),
  /** The number of dead letters by queue and by error. The figures are at most five seconds old. */
  deadLetterStats: () =>
    read({ operation: 'deadLetter.stats' }, (body): DeadLetterStats => {
      const [byQueue, byErrorType] = [numbersOf(body.by_queue), numbersOf(body.by_error_type)];
      return { ...camel<Answer>(body, 'total'), byQueue, byErrorType };
    }),
};

function readOne(body: unknown) {
  return readJob(jobIn(body));
}
