import type { Duration } from '../duration.ts';
import type { Job, JobErrorEntry } from '../job.ts';
import { type ErrorContext, OJSError } from './base.ts';

/** A job that somebody waits for ended without a result: discarded or cancelled. */
export class JobFailedError extends OJSError {
  static override readonly name: string = 'JobFailedError';
  readonly job: Job;

  constructor(message: string, job: Job, context: ErrorContext = {}) {
    super(message, { jobId: job.id, queue: job.queue, attempt: job.attempt, ...context });
    this.job = job;
  }

  get errors(): readonly JobErrorEntry[] {
    return this.job.errors;
  }
}

/** The reason of `ctx.signal` when the execution ran longer than the job's timeout. */
export class JobTimeoutError extends OJSError {
  static override readonly name: string = 'JobTimeoutError';
  readonly timeoutMs: number;

  constructor(message: string, timeoutMs: number, context: ErrorContext = {}) {
    super(message, context);
    this.timeoutMs = timeoutMs;
  }
}

/** Thrown by a handler: the job is discarded now, whatever its retry policy says. */
export class DiscardError extends Error {
  override readonly name = 'DiscardError';
}

/** Thrown by a handler: run this job again after `after`, without counting this execution as an attempt. */
export class SnoozeError extends Error {
  override readonly name = 'SnoozeError';
  readonly after: Duration;

  constructor(after: Duration) {
    super(`snoozed for ${typeof after === 'number' ? `${after} ms` : after}`);
    this.after = after;
  }
}
