import type { JsonArray, Meta, Wire } from '../json.ts';
import type { JobState, RetryPolicy, UniquePolicy } from './policies.ts';

/** One failed attempt. */
export interface JobErrorEntry {
  readonly type: string;
  readonly code: string;
  readonly message: string;
  readonly attempt: number;
  readonly occurredAt: Date;
  readonly retryable?: boolean;
  readonly details?: Meta;
  readonly backtrace?: readonly string[];
}

/** The progress of an execution (ojs-progress §5). */
export interface JobProgress {
  /** From 0 to 100; absent if the handler reported only `data`. */
  readonly percent?: number;
  readonly message?: string;
  readonly data?: unknown;
  readonly updatedAt: Date;
}

/**
 * A job as the server describes it. `args`, `meta` and `result` are unchanged. Timestamps are Dates; their text is in
 * `raw`.
 */
export interface Job<A extends JsonArray = JsonArray, R = unknown> {
  readonly id: string;
  readonly type: string;
  readonly state: JobState;
  readonly queue: string;
  readonly args: A;
  readonly meta: Meta;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly timeoutMs?: number;
  readonly retry?: RetryPolicy;
  readonly unique?: UniquePolicy;
  readonly schema?: string;
  readonly workflowId?: string;
  readonly result?: R;
  /**
   * The last report of the current or last execution (`ctx.progress()`); absent if there was none. Other servers may
   * have it in {@link Client.getProgress} only.
   */
  readonly progress?: JobProgress;
  /** The last failure. Absent after the job has completed. */
  readonly error?: JobErrorEntry;
  /** Failed attempts, oldest first. */
  readonly errors: readonly JobErrorEntry[];
  readonly createdAt?: Date;
  readonly enqueuedAt?: Date;
  readonly startedAt?: Date;
  readonly completedAt?: Date;
  readonly cancelledAt?: Date;
  readonly discardedAt?: Date;
  readonly scheduledAt?: Date;
  readonly expiresAt?: Date;
  /** The envelope as received. */
  readonly raw: Wire;
}
