import type { Inserted, InsertOptions } from '../admission.ts';
import type { RemovalGuard } from '../bulk/bulk.ts';
import type { ErrorGroups, ErrorQuery } from '../job/error-fingerprint.ts';
import type { JobId, JobRecord, NewJob, NodeRef, Transition } from '../job/job.ts';
import type { JobQuery, Page } from '../job/selection.ts';
import type { State } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';

export interface Claim {
  /** The fetch's own id: a repeat with the same one returns the jobs of the first answer that its claim still holds. */
  readonly request: string | null;
  /** Tried in order; paused queues are skipped. */
  readonly queues: readonly string[];
  readonly limit: number;
  readonly worker: string | null;
  /** Milliseconds. The lease lasts `leaseMs` of the request, else `visibilityMs` of the job, else `defaultLeaseMs`. */
  readonly leaseMs: number | null;
  readonly defaultLeaseMs: number;
  /** A fact of the claim, kept with the job: whether only calls with its lease count. */
  readonly leaseRequired: boolean;
}

export interface RepeatableFetch {
  readonly worker: string | null;
  readonly request: string;
}

export interface JobClaim {
  readonly id: JobId;
  readonly claim: number;
}

export interface Claimed {
  readonly jobs: readonly JobRecord[];
  /**
   * If the claim got less than its limit: the earliest time at which a rate allows a start that available jobs of its
   * queues wait for, under the queue's own limit or a key of the jobs. Null if there is none. For freed slots there is
   * a wake-up instead.
   */
  readonly again: Millis | null;
  /** The call's budget was used up before this claim got a job (see `Jobs.claim`): the same claim again continues. */
  readonly deferred?: true;
}

export type Moved =
  /** `ready`: workflow nodes whose last dependency this change has closed. */
  | { readonly kind: 'moved'; readonly was: State; readonly ready: readonly NodeRef[] }
  /** The job is in `to` already, by the same claim: a repeated call. Only if the transition names a claim. */
  | { readonly kind: 'already'; readonly job: JobRecord }
  | { readonly kind: 'refused'; readonly job: JobRecord }
  | { readonly kind: 'missing' };

export interface Jobs {
  /**
   * Each inner array is atomic; groups do not affect each other. The jobs of a group see each other: a unique key
   * counts within the group too. Writes `job.enqueued` and `job.scheduled`, and `job.cancelled` of replaced jobs, as
   * core's `cancelled` decides. Numbers of limits that come with a job hold from then on for all jobs under the key.
   */
  insert(
    groups: readonly (readonly NewJob[])[],
    now: Millis,
    options?: InsertOptions,
  ): readonly (readonly Inserted[])[];
  /**
   * Promotes due jobs, then returns available jobs: per claim its queues from left to right, in a queue by priority and
   * then first in, first out. Skips paused queues. Never returns an expired job, nor a job beyond a limit of its queue
   * or keys, but the next one that the limits allow. The cost grows with the batch, never with the number of waiting,
   * scheduled, expired or limited jobs.
   *
   * `maxBytes` (default: no bound) limits the jobs of all claims together, by core's `sizeOf`. The first job that does
   * not fit ends the call, but every call returns one job. A claim that got none for this reason is `deferred`.
   */
  claim(claims: readonly Claim[], now: Millis, maxBytes?: number): readonly Claimed[];
  transition(transitions: readonly Transition[], now: Millis): readonly Moved[];
  get(ids: readonly JobId[]): readonly (JobRecord | null)[];
  /**
   * Reads only: the claims that each fetch with a request id got, whether or not they still hold; none for a fetch that
   * got nothing, is unknown or was pruned.
   */
  claimsOf(fetches: readonly RepeatableFetch[]): readonly (readonly JobClaim[])[];
  list(query: JobQuery): Page<JobRecord>;
  /**
   * The unfinished jobs of each name of a cron, oldest first, at most `limit` of each; the cron need not be there.
   */
  runs(crons: readonly string[], limit: number): readonly (readonly JobRecord[])[];
  /**
   * Counts the jobs that failed by the fingerprints of their last errors, exactly. The cost grows with the index: with
   * the groups, or with its entries, but never with the jobs that did not fail.
   */
  errors(query: ErrorQuery): ErrorGroups;
  /**
   * Deletes jobs that are in one of the states of `from` (and in the dead letter, if asked). The answer says of each
   * job whether it was deleted. Closes the node of an unfinished job as failed.
   */
  remove(ids: readonly JobId[], guard: RemovalGuard, now: Millis): readonly boolean[];
}
