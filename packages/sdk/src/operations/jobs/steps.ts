import type { NamesOf } from '@ojs-ts/core';
import type * as answers from '@ojs-ts/core/schemas';
import type { Answers, Step } from '@ojs-ts/core/schemas';
import type { Job } from '../../job/job.ts';
import { type CallOptions, callNames } from '../../job/options.ts';
import { jobIn, readJob } from '../../job/read-job.ts';
import { compact } from '../../json.ts';
import { integer } from '../../options/values.ts';
import { type Camel, camel } from '../answer.ts';
import type { PageQuery } from '../page.ts';
import { change, list, read } from '../row.ts';

/** Selects the steps of a job. */
export interface JobStepsOptions extends CallOptions {
  /** Only the steps with these names, at most 100. Default: all. */
  names?: readonly string[] | undefined;
  /** {@link JobSteps.next} of the page before. */
  after?: number | undefined;
  /** Which values to return; `small` are those up to 1 KiB of JSON. Default: `small`. */
  values?: 'none' | 'small' | 'all' | undefined;
  /** The most steps of one page. Default and maximum: 500. A page also ends at 1 MiB. */
  limit?: number | undefined;
}

const names: NamesOf<JobStepsOptions> = { ...callNames, names: true, after: true, values: true, limit: true };

/** Selects the waits of a job. */
export interface WakeOptions extends CallOptions {
  /** The names of the steps that wait. Default: all. */
  names?: readonly string[] | undefined;
}

const wakeNames: NamesOf<WakeOptions> = { ...callNames, names: true };

/** A step that the handler of a job has run or waits in. `bytes` is the size of a value that is not here. */
export interface JobStep extends Camel<Step> {}

/** A page of the steps of a job. */
export interface JobSteps {
  /** In the order in which they were recorded. */
  readonly steps: readonly JobStep[];
  /** `after` of the next page; absent at the end. */
  readonly next?: number;
  /** On the first page: the signals of the job that no step has read yet, by their names. */
  readonly mail?: Camel<NonNullable<Answers['job.steps']['mail']>>;
}

/** A token that a handler waits for or will wait for, and its unread signals. */
export interface TokenMailbox extends Camel<answers.TokenMailbox> {}

export const stepRows = {
  /**
   * Returns the durable steps of a job with their values, which need the right `payload`. The server of this project
   * has this operation, others answer `not_found`. @throws {JobNotFoundError}
   */
  steps: {
    names,
    make: (jobId: string, { names: only, after, values, limit }: JobStepsOptions) => {
      const query = compact({
        names: only === undefined ? undefined : JSON.stringify(only),
        after: integer(after, 'after', 0),
        values,
        limit: integer(limit, 'limit', 1),
      });
      return read({ operation: 'job.steps', params: { id: jobId }, query }, (body): JobSteps => {
        const { steps, ...more } = camel<Answers['job.steps']>(body, 'steps');
        return { steps, ...more };
      });
    },
  },
  /**
   * The mailboxes under tokens, in the order of the tokens, with the jobs that wait for them. The server of this project
   * has this operation, others answer `not_found`.
   */
  listMailboxes: () => (query: PageQuery) =>
    list('signal.list', query, ['mailboxes'], tokenMailbox, { offset: undefined }),
  /**
   * Ends waits of a suspended job now: a sleep or a pause is over, a poll probes, and a wait for a signal times out. The
   * server of this project has this operation, others answer `not_found`.
   * @throws {JobNotFoundError}; {OJSAPIError} `conflict` for a job that does not wait, and `invalid_request` for a name
   * that is not among its waits.
   */
  wake: {
    names: wakeNames,
    make: (jobId: string, { names: only }: WakeOptions) => {
      const body = only === undefined ? undefined : JSON.stringify({ names: only });
      const call = { operation: 'job.wake', params: { id: jobId }, ...compact({ body }) } as const;
      return change(call, (answer): Job => readJob(jobIn(answer)));
    },
  },
  /**
   * Undoes the durable steps of an ended job, in a job of its own whose type ends in `.undo`, and returns that job. A
   * cancelled or discarded job is undone by itself; a job in the dead letter waits for this call or a retry. The server
   * of this project has this operation, others answer `not_found`.
   * @throws {JobNotFoundError}; {OJSAPIError} `conflict` for a job that has not ended, whose worker may still run a step,
   * or without steps to undo; `steps_moved` if another job has the steps.
   */
  undo: (jobId: string) =>
    change({ operation: 'job.undo', params: { id: jobId } }, (answer): Job => readJob(jobIn(answer))),
};

function tokenMailbox(item: unknown): TokenMailbox {
  return camel<answers.TokenMailbox>(item, 'token');
}
