import type { StepsMark } from '../durable/mark.ts';
import type { EventKind } from '../events/kinds.ts';
import type { Millis } from '../time/clock.ts';
import type { Reopening } from './reopening.ts';
import { State, type StateMask } from './states.ts';

/** A UUIDv7 in lower case, created by the client or by core. */
export type JobId = string;
/** JSON text: from socket to storage to socket without re-encoding. */
export type Json = string;

/** A job as a storage holds it. The client's envelope is opaque text; columns have what decisions and indexes need. */
export interface JobRecord {
  readonly id: JobId;
  readonly type: string;
  readonly queue: string;
  readonly state: State;
  /** Higher first. */
  readonly priority: number;
  /** Executions started: +1 on every claim, back to 0 on a manual retry, -1 on a requeue that does not count. */
  readonly attempt: number;
  /** +1 on every claim, never reset: the fence. */
  readonly claim: number;
  /** True if only a call with the lease of the claim may end, report on or extend its execution. */
  readonly leaseRequired: boolean;
  /** When a scheduled or retryable job becomes available. */
  readonly runAt: Millis;
  /**
   * The earliest of `expires_at`, the end of `enqueue_ttl` and of `total_timeout`. After it the job is discarded, not
   * started.
   */
  readonly expiresAt: Millis | null;
  /** The value of `expiresAt` after the first start: `enqueue_ttl` counts only until then (ojs-timeouts §5.3). */
  readonly laterExpiresAt: Millis | null;
  /** The end of `total_timeout`, of an execution too. */
  readonly deadlineAt: Millis | null;
  /**
   * How long heartbeats may leave out a job that an earlier one listed, until its execution counts as stalled
   * (ojs-timeouts §5.5).
   */
  readonly heartbeatMs: number;
  /** Execution timeout, with an explicit grace period: how long an execution may take before it fails. */
  readonly timeoutMs: number;
  /** The job's own visibility timeout; null means the server's. */
  readonly visibilityMs: number | null;
  readonly createdAt: Millis;
  /** Last entry into `available`. */
  readonly enqueuedAt: Millis | null;
  /**
   * Start of the current or last execution; cleared when the job returns to `available` uncounted or after a lost
   * lease.
   */
  readonly startedAt: Millis | null;
  readonly worker: string | null;
  /** Length and end of the lease of the current claim. Null outside `active`. */
  readonly leaseMs: number | null;
  readonly leaseUntil: Millis | null;
  /**
   * The last heartbeat or progress of the current claim that listed the job; null before the first one, when the job
   * cannot stall (ojs-timeouts §5.5).
   */
  readonly beatAt: Millis | null;
  /** Entry into a terminal state. */
  readonly finishedAt: Millis | null;
  /** The trace of `meta.trace_id` or `meta.traceparent`: every event of the job has it (ojs-events §8). */
  readonly trace: string | null;
  /** Fingerprint of the unique policy; null if the job has none. */
  readonly uniqueKey: string | null;
  /** Keys of the limits that the job counts under, sorted. */
  readonly limits: readonly string[];
  /** The workflow node that this job is. */
  readonly node: NodeRef | null;
  /** The cron that made the job: the overlap policy looks at its unfinished runs (ojs-cron §6). */
  readonly cron: string | null;
  /** True if the job is in the dead letter (only a discarded job can be). */
  readonly deadLetter: boolean;
  /**
   * The part of the wire envelope that never changes after enqueue, as the text of one JSON object: specversion, id,
   * type, queue, args, meta, max_attempts, timeout_ms, retry, tags, scheduled_at as sent, unknown fields… Rendering
   * adds state, priority, attempt and times.
   */
  readonly envelope: Json;
  /** The fields for decisions, as the JSON text of a {@link JobPolicy}; null if every field has its default. */
  readonly policy: Json | null;
  /** JSON text of the result given with ACK. */
  readonly result: Json | null;
  /** JSON text of the last report of the current attempt; a new attempt starts without. */
  readonly progress: Json | null;
  /**
   * JSON text of the state saved for the next attempt, with its sequence number. Deleted at the end of the job, unless
   * the job is in the dead letter.
   */
  readonly checkpoint: Json | null;
  /**
   * JSON texts of {@link HistoryEntry} joined by commas (so `[${history}]` is an array); '' at the start. The timeline
   * before the current execution.
   */
  readonly history: string;
}

/** A node of a workflow, by the workflow's id and its own index there. */
export interface NodeRef {
  readonly workflow: string;
  readonly index: number;
}

/** Numbers of a limit. Absent ones do not limit; a concurrency of 0 stops every start. */
export interface LimitNumbers {
  /** Jobs active at once. */
  readonly concurrency: number | null;
  /**
   * In any window of `perMs` milliseconds at most `count` jobs start (a sliding log of starts in store time). A spacing
   * is a count of 1.
   */
  readonly rates: readonly Rate[];
}

export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** A limit under a key: every job that names the key counts. The last numbers hold for all of them. */
export interface Limit extends LimitNumbers {
  readonly key: string;
}

/** The key of the limit of a whole queue, whether its jobs name it or not. */
export function queueLimitKey(queue: string): string {
  return `queue:${queue}`;
}

/** JSON text of the settings of a queue whose settings no operator has changed. */
export const noConfig: Json = '{}';

/**
 * The check of an insert for its key, in its own commit (ojs-unique-jobs §4). Only the policy of the new job counts.
 */
export interface NewUnique {
  readonly key: string;
  /** States of an existing job that make it a duplicate. */
  readonly states: StateMask;
  /** Only jobs created after this moment count; null without a period. */
  readonly createdAfter: Millis | null;
  /**
   * `keep` refuses the new job. `replace` cancels every unfinished job that holds the key, and inserts.
   * `replace_unscheduled` does the same, but refuses the new job while a scheduled one has the key.
   */
  readonly onConflict: 'keep' | 'replace' | 'replace_unscheduled';
}

/**
 * The fields of an envelope that decisions read (ojs-retry §2, ojs-timeouts §6). Durations in milliseconds; an absent
 * field has its default.
 */
export interface JobPolicy {
  /**
   * The moments of the envelope's relative times. The envelope keeps them as sent, so that a repeated request has the
   * same envelope.
   */
  readonly resolved?: { readonly scheduled_at?: Millis; readonly expires_at?: Millis };
  readonly retry?: Partial<RetryPolicy>;
  readonly totalTimeoutMs?: number;
  readonly enqueueTtlMs?: number;
  readonly heartbeatTimeoutMs?: number;
  readonly gracePeriodMs?: number;
  /** Present if the job has rows of durable steps. */
  readonly steps?: StepsMark;
}

export type BackoffStrategy = 'exponential' | 'linear' | 'polynomial' | 'none';

/** ojs-retry §2, resolved: every field present, durations in milliseconds. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly initialIntervalMs: number;
  readonly backoffCoefficient: number;
  readonly maxIntervalMs: number;
  readonly jitter: boolean;
  readonly nonRetryableErrors: readonly string[];
  readonly onExhaustion: 'discard' | 'dead_letter';
  readonly backoffStrategy: BackoffStrategy;
}

/** One line of a job's timeline. `at` is when it ended or happened. */
export type HistoryEntry =
  | {
      /**
       * An execution that did not complete: its worker reported a failure, it timed out, or it was lost (lease expired,
       * worker dead).
       */
      readonly kind: 'failed';
      readonly at: Millis;
      readonly attempt: number;
      readonly claim: number;
      readonly worker: string | null;
      readonly startedAt: Millis | null;
      readonly error: JobError;
      readonly retryDelayMs?: number;
      /** The durable step whose try failed, and the number of the try. The attempt of the job does not count. */
      readonly step?: string;
      readonly stepAttempt?: number;
      /** Present if the server ended the execution: timeout, lost lease or dead worker. */
      readonly by?: 'server';
    }
  /** A claim that was returned and does not count as an attempt. */
  | {
      readonly kind: 'requeued';
      readonly at: Millis;
      readonly attempt: number;
      readonly claim: number;
      readonly worker: string | null;
      readonly reason: string;
      /** How many other jobs its process held when it died: see `lifecycle/poison.ts`. */
      readonly beside?: number;
      /** Length of the snooze. */
      readonly delayMs?: number;
      /** Present if the server took the job back. */
      readonly by?: 'server';
    }
  | { readonly kind: 'expired'; readonly at: Millis; readonly error: JobError }
  /** Everything before was deleted; the job had ended in this state. */
  | {
      readonly kind: 'purged';
      readonly at: Millis;
      readonly from: State;
      /** Present if the retention of the history deleted it. */
      readonly by?: 'server';
    }
  /** By an operator (ojs-sdk-guidelines SDK-004). */
  | {
      readonly kind: 'discarded';
      readonly at: Millis;
      readonly from: State;
      readonly key?: string;
      readonly error: JobError;
    }
  | {
      readonly kind: 'activated' | 'cancelled' | 'promoted' | 'retried';
      readonly at: Millis;
      readonly from: State;
      readonly key?: string;
    }
  | {
      readonly kind: 'edited';
      readonly at: Millis;
      readonly from: State;
      readonly key?: string;
      /** Names of what was changed. */
      readonly changed: readonly string[];
    };

/** The job error object (ojs-errors §6.1), as stored and as rendered. */
export interface JobError {
  readonly code: string;
  readonly type: string;
  readonly message: string;
  readonly attempt: number;
  /** RFC 3339, UTC. */
  readonly occurred_at: string;
  /** The same under the name of ojs-retry §10.1. */
  readonly timestamp?: string;
  readonly retryable?: boolean;
  readonly details?: unknown;
  readonly backtrace?: readonly string[];
}

/** A job before its insert. */
export interface NewJob
  extends Pick<
    JobRecord,
    | 'id'
    | 'type'
    | 'queue'
    | 'priority'
    | 'runAt'
    | 'expiresAt'
    | 'laterExpiresAt'
    | 'deadlineAt'
    | 'heartbeatMs'
    | 'timeoutMs'
    | 'visibilityMs'
    | 'createdAt'
    | 'node'
    | 'cron'
    | 'trace'
    | 'envelope'
    | 'policy'
  > {
  readonly state: typeof State.available | typeof State.scheduled | typeof State.pending;
  readonly unique: NewUnique | null;
  /** Sorted by key, each key once. */
  readonly limits: readonly Limit[];
  /** If true, the server has just made the id, so that no job can have it. Default: false. */
  readonly idIsNew?: boolean | undefined;
}

/**
 * One guarded state change. Core decides it, a storage applies it wholly, or refuses it with a reason. Leaving `active`
 * ends the lease; entering `available` takes a new place in the queue; entering a terminal state sets `finishedAt`.
 */
export interface Transition {
  readonly id: JobId;
  readonly from: StateMask;
  /** The fence, if the caller knows it. */
  readonly claim?: number;
  /** The worker that must own the job, if the caller named itself. */
  readonly worker?: string;
  /** The end of the lease that the decision saw: refused where a heartbeat has extended the lease since. */
  readonly leaseUntil?: Millis;
  readonly to: State;
  readonly runAt?: Millis;
  /** For a requeue that does not count and for a manual retry. */
  readonly attempt?: number;
  readonly priority?: number;
  /** Replaces the execution timeout; only for a job that waits. */
  readonly timeoutMs?: number;
  /** Clears who ran the job and when: `startedAt` and `worker` become null. */
  readonly clearRun?: true;
  readonly deadLetter?: boolean;
  readonly result?: Json | null;
  readonly progress?: Json | null;
  readonly checkpoint?: Json | null;
  /**
   * Counts as a heartbeat of the job: sets `beatAt` and extends the lease by its own length. Only for a job that stays
   * active.
   */
  readonly beat?: true;
  /** Replaces the envelope, as `replace_except_schedule` and an edit do. */
  readonly envelope?: Json;
  /** The envelope that the decision saw: refused where another change has replaced it since. */
  readonly envelopeWas?: Json;
  /** Replaces the policy, as a retry or an edit by hand may. */
  readonly policy?: Json;
  /** Moves the job into another queue; only for a job that has ended and becomes available. */
  readonly queue?: string;
  /** Replaces the whole history. A change from any other state into a failed one always has it: it has the error. */
  readonly history?: string;
  /** The change that the retry of a dead step makes to its workflow. */
  readonly reopens?: Reopening;
  readonly events: readonly TransitionEvent[];
}

export interface TransitionEvent {
  readonly kind: EventKind;
  /** JSON text of an object whose fields are added to the event's data. */
  readonly data?: Json;
}

const noKeys: readonly string[] = [];

/** The record that an insert of this job makes. */
export function recordOf(job: NewJob): JobRecord {
  const { unique, limits } = job;
  // Named one by one: the rest of a destructured object costs sixteen times as much, 0.36 µs.
  return {
    id: job.id,
    type: job.type,
    queue: job.queue,
    state: job.state,
    priority: job.priority,
    runAt: job.runAt,
    expiresAt: job.expiresAt,
    laterExpiresAt: job.laterExpiresAt,
    deadlineAt: job.deadlineAt,
    heartbeatMs: job.heartbeatMs,
    timeoutMs: job.timeoutMs,
    visibilityMs: job.visibilityMs,
    createdAt: job.createdAt,
    node: job.node,
    cron: job.cron,
    trace: job.trace,
    envelope: job.envelope,
    policy: job.policy,
    uniqueKey: unique?.key ?? null,
    limits: limits.length === 0 ? noKeys : limits.map(({ key }) => key),
    beatAt: null,
    progress: null,
    checkpoint: null,
    attempt: 0,
    claim: 0,
    leaseRequired: false,
    enqueuedAt: job.state === State.available ? job.createdAt : null,
    startedAt: null,
    worker: null,
    leaseMs: null,
    leaseUntil: null,
    finishedAt: null,
    deadLetter: false,
    result: null,
    history: '',
  };
}
