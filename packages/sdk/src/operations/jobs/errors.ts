import type { NamesOf } from '@ojs-ts/core';
import type * as answers from '@ojs-ts/core/schemas';
import { type CallOptions, callNames } from '../../job/options.ts';
import type { JobState } from '../../job/policies.ts';
import { compact, eachOf, numberOf } from '../../json.ts';
import { integer } from '../../options/values.ts';
import { type Camel, camel } from '../answer.ts';
import { wireStates } from '../filter.ts';
import { read } from '../row.ts';

/** Selects the jobs to count by their errors. */
export interface ErrorOptions {
  /** Default: both. */
  state?: Extract<JobState, 'retryable' | 'discarded'> | readonly ('retryable' | 'discarded')[] | undefined;
  /** Only jobs of the dead letter. Default: false. */
  deadLetter?: boolean | undefined;
  /** Default: all queues. */
  queue?: string | undefined;
  /** The whole name of a job type. Default: all types. */
  type?: string | undefined;
  /** The most errors of the answer. Default: 20; at most 100. */
  limit?: number | undefined;
}

const names: NamesOf<ErrorOptions & CallOptions> = {
  ...{ ...callNames, state: true, deadLetter: true, queue: true, type: true, limit: true },
};

/**
 * Jobs whose last errors have the same type, and the same message except for numbers, ids and texts. A filter of jobs
 * takes the fingerprint. The times say when the first and the last of these jobs failed.
 */
export interface ErrorGroup extends Camel<answers.ErrorGroup> {}

/** Jobs that failed, by their errors. */
export interface ErrorGroups {
  /** The most frequent first. */
  readonly errors: readonly ErrorGroup[];
  /** The number of different errors, beyond the limit too. */
  readonly total: number;
  /** The number of jobs with an error, beyond the limit too. */
  readonly jobs: number;
}

export const errorRows = {
  /**
   * Groups failed jobs by the fingerprints of their last errors, the most frequent first: jobs that wait for another
   * attempt or are discarded. A filter with a `fingerprint` takes the jobs of one of them.
   */
  errors: {
    names,
    make: ({ state, deadLetter, queue, type, limit }: ErrorOptions & CallOptions) => {
      const query = compact({
        state: state === undefined ? undefined : wireStates(state).join(','),
        dead_letter: deadLetter === true ? 'true' : undefined,
        queue,
        type,
        limit: integer(limit, 'limit', 1)?.toString(),
      });
      return read({ operation: 'admin.errors', query }, ({ items, total, jobs }): ErrorGroups => {
        const errors = eachOf(items, (item) => camel<answers.ErrorGroup>(item, 'fingerprint'));
        return { errors, total: numberOf(total) ?? errors.length, jobs: numberOf(jobs) ?? 0 };
      });
    },
  },
};
