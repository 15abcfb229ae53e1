import type { JsonArray, Meta, Wire } from '../json.ts';
import type { JobState, RetryPolicy, UniquePolicy } from './policies.ts';

/** One failed attempt (digest §1.4, form 1). */
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

/** How far an execution is (ojs-progress §5). */
export interface JobProgress {
  /** From 0 to 100; absent where only `data` was reported. */
  readonly percent?: number;
  readonly message?: string;
  readonly data?: unknown;
  readonly updatedAt: Date;
}

/** A job as the server described it (digest §1.2). `args`, `meta` and `result` are as they came; timestamps are Dates, their text stands in `raw`. */
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
  /** What the current or last execution reported last, as `ctx.progress()` sent it; absent where it reported nothing. Other servers tell it by {@link Client.getProgress} alone. */
  readonly progress?: JobProgress;
  /** The last failure; gone once the job has completed. */
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
