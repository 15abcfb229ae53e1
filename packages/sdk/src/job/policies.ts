import type { NamesOf } from '@ojs-ts/core';
import type { StateName } from '@ojs-ts/core/job';
import type { Duration } from '../options/duration.ts';
/** The eight states of ojs-core §6. */
export type JobState = StateName;

/**
 * How a failed job is retried (ojs-retry §2). Fields that are left out have the default of the server: 3 attempts,
 * PT1S, 2.0, PT5M, jitter, discard.
 */
export interface RetryPolicy {
  /** All executions, with the first. 1 retries nothing, and 0 means the same. */
  maxAttempts?: number | undefined;
  /** The pause before the second execution. Default: 1 s. */
  initialInterval?: Duration | undefined;
  /** The factor from one pause to the next, at least 1. Default: 2. */
  backoffCoefficient?: number | undefined;
  /** The longest pause. Default: 5 minutes. */
  maxInterval?: Duration | undefined;
  /** If true, pauses vary at random. Default: true. */
  jitter?: boolean | undefined;
  /** Error types, exact or as `prefix.*` (no other `*`), after which the job is not retried. */
  nonRetryableErrors?: readonly string[] | undefined;
  /** `dead_letter` keeps the job for {@link Client.listDeadLetterJobs}. */
  onExhaustion?: 'discard' | 'dead_letter' | undefined;
  /** How the pauses grow; `none` keeps them at `initialInterval`. Default: `exponential`. */
  backoffStrategy?: 'exponential' | 'linear' | 'polynomial' | 'none' | undefined;
}

export const retryNames: NamesOf<RetryPolicy> = {
  maxAttempts: true,
  initialInterval: true,
  backoffCoefficient: true,
  maxInterval: true,
  jitter: true,
  nonRetryableErrors: true,
  onExhaustion: true,
  backoffStrategy: true,
};

/**
 * Decides which jobs are duplicates (ojs-unique-jobs §2). `keys` has no default: with `["type"]`, as the specification
 * has it, a second job of a type is a duplicate.
 */
export interface UniquePolicy {
  /** The fields that two jobs must share to be duplicates. */
  keys: readonly ('type' | 'queue' | 'args' | 'meta')[];
  /** The args that count, by place (`'0'`) or by name in the first object that has it. Default: all. */
  argsKeys?: readonly string[] | undefined;
  /** The members of `meta` that must be equal. The server requires them with `meta` in `keys`. */
  metaKeys?: readonly string[] | undefined;
  /** Older jobs do not count. Default: no limit. */
  period?: Duration | undefined;
  /** Only jobs in these states count. Default: those that have not ended. */
  states?: readonly JobState[] | undefined;
  /** The action for the second job. Default: `reject`, a {@link DuplicateJobError}. */
  onConflict?: 'reject' | 'replace' | 'replace_except_schedule' | 'ignore' | undefined;
}

export const uniqueNames: NamesOf<UniquePolicy> = {
  keys: true,
  argsKeys: true,
  metaKeys: true,
  period: true,
  states: true,
  onConflict: true,
};

/** At most `limit` starts in any window of length `period`. */
export interface Rate {
  limit: number;
  /** At most one day. */
  period: Duration;
}

export const rateNames: NamesOf<Rate> = { limit: true, period: true };

/** Limits of executions. Fields that are left out do not limit. */
export interface LimitNumbers {
  /** Executions at the same time. */
  concurrency?: number | undefined;
  /** Starts in a sliding window. */
  rate?: Rate | undefined;
  /** The shortest time between two starts, at most one day. */
  spacing?: Duration | undefined;
}

/**
 * A limit that all jobs with the same key share (ojs-rate-limiting §3). The numbers of the newest job hold for all; a
 * key without numbers keeps the current ones.
 */
export interface JobLimit extends LimitNumbers {
  /**
   * A text of 1 to 255 characters, such as `stripe` or `tenant:acme`. `queue:…` and `cron:…` are reserved for the
   * server.
   */
  key: string;
}

export const numberNames: NamesOf<LimitNumbers> = { concurrency: true, rate: rateNames, spacing: true };
