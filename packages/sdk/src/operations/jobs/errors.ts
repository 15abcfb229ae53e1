import type { NamesOf } from '@ojs-ts/core';
import type { Operation } from '../../connection/operation.ts';
import type { JobState } from '../../job/policies.ts';
import { compact, dateOf, listOf, numberOf, textOf, wireOf } from '../../json.ts';
import { integer } from '../../options/values.ts';
import { wireStates } from '../filter.ts';

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

export const errorNames: NamesOf<ErrorOptions> = {
  state: true,
  deadLetter: true,
  queue: true,
  type: true,
  limit: true,
};

/** Jobs whose last errors have the same type, and the same message except for numbers, ids and texts. */
export interface ErrorGroup {
  /** 16 hexadecimal digits: a filter of jobs takes them. */
  readonly fingerprint: string;
  readonly count: number;
  readonly errorType: string;
  /** With placeholders such as `<n>` in place of what varies. */
  readonly message: string;
  /** When the first and the last of these jobs failed. */
  readonly firstAt?: Date;
  readonly lastAt?: Date;
}

/** Jobs that failed, by their errors. */
export interface ErrorGroups {
  /** The most frequent first. */
  readonly errors: readonly ErrorGroup[];
  /** The number of different errors, beyond the limit too. */
  readonly total: number;
  /** The number of jobs with an error, beyond the limit too. */
  readonly jobs: number;
}

export function* countErrors(options: ErrorOptions = {}): Operation<ErrorGroups> {
  const { state, deadLetter, queue, type } = options;
  const limit = integer(options.limit, 'limit', 1);
  const query = compact({
    state: state === undefined ? undefined : wireStates(state).join(','),
    dead_letter: deadLetter === true ? 'true' : undefined,
    queue,
    type,
    limit: limit === undefined ? undefined : String(limit),
  });
  const body = yield { call: { operation: 'admin.errors', query }, about: { queue } };
  const errors = listOf(body.items).map((item) => {
    const { fingerprint, count, error_type, message, first_at, last_at } = wireOf(item) ?? {};
    return compact({
      fingerprint: textOf(fingerprint) ?? '',
      count: numberOf(count) ?? 0,
      errorType: textOf(error_type) ?? '',
      message: textOf(message) ?? '',
      firstAt: dateOf(first_at),
      lastAt: dateOf(last_at),
    });
  });
  return { errors, total: numberOf(body.total) ?? errors.length, jobs: numberOf(body.jobs) ?? 0 };
}
