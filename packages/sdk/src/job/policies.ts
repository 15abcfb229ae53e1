import type { NamesOf, StateName } from '@ojs-ts/core';
import type { Duration } from '../options/duration.ts';
/** The eight states of ojs-core §6. */
export type JobState = StateName;

/** ojs-retry §2. Fields that are left out have the server's default: 3 attempts, PT1S, 2.0, PT5M, jitter, discard. */
export interface RetryPolicy {
  /** Executions in all, the first included. */
  maxAttempts?: number | undefined;
  /** Before the second execution; default 1 s. */
  initialInterval?: Duration | undefined;
  /** Each pause is so many times the one before; at least 1, default 2. */
  backoffCoefficient?: number | undefined;
  /** The longest pause; default 5 min. */
  maxInterval?: Duration | undefined;
  /** Whether pauses are spread at random; default true. */
  jitter?: boolean | undefined;
  /** Error types, exact or `prefix.*`, that are not tried again. */
  nonRetryableErrors?: readonly string[] | undefined;
  /** `dead_letter` keeps the job for {@link Client.listDeadLetterJobs}. */
  onExhaustion?: 'discard' | 'dead_letter' | undefined;
  /** How the pauses grow; `none` keeps them as long as the first. Default: `exponential`. */
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

/** ojs-unique-jobs §2. `keys` has no default here: the specification's `["type"]` would make every second job of a type a duplicate. */
export interface UniquePolicy {
  /** What makes two jobs the same. */
  keys: readonly ('type' | 'queue' | 'args' | 'meta')[];
  /** Which args count, by place (`'0'`) or by name in the first object that has it; default all. */
  argsKeys?: readonly string[] | undefined;
  /** Which members of the meta count; default all. */
  metaKeys?: readonly string[] | undefined;
  /** Jobs older than that do not count; default: all in `states` do. */
  period?: Duration | undefined;
  /** Jobs in these states count; default: those that have not ended. */
  states?: readonly JobState[] | undefined;
  /** What becomes of the second job; default `reject`, a {@link DuplicateJobError}. */
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

/** So many starts in any window of this length. */
export interface Rate {
  limit: number;
  /** At most one day. */
  period: Duration;
}

export const rateNames: NamesOf<Rate> = { limit: true, period: true };

/** How many executions there may be. What is left out does not limit. */
export interface LimitNumbers {
  /** Executions at the same time. */
  concurrency?: number | undefined;
  /** Starts in a sliding window. */
  rate?: Rate | undefined;
  /** The least time between two starts; at most one day. */
  spacing?: Duration | undefined;
}

/** What a job shares with all others that name the key (ojs-rate-limiting §3). The numbers of the job that came last hold for all of them; a key alone keeps those that are there. */
export interface JobLimit extends LimitNumbers {
  /** Any text of 1 to 255 characters, such as `stripe` or `tenant:acme`. Not `queue:…` or `cron:…`, which are the server's own. */
  key: string;
}

export const numberNames: NamesOf<LimitNumbers> = { concurrency: true, rate: rateNames, spacing: true };
