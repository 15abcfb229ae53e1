import type { Job, JobErrorEntry } from './job/job.ts';
import { compact, quoted } from './json.ts';
import type { Duration } from './options/duration.ts';

/** The place of an error. Fields that do not apply are absent. */
export interface ErrorContext {
  jobId?: string | undefined;
  queue?: string | undefined;
  operation?: string | undefined;
  /** The attempt of the call that failed, from 1. For an error of a job: the attempt of the job. */
  attempt?: number | undefined;
  requestId?: string | undefined;
  cause?: unknown;
}

/**
 * Registered process-wide: `isOjsError` knows errors of another copy of this package (ESM beside CommonJS, another
 * version).
 */
const brand = Symbol.for('@ojs-ts/sdk.error');

/** The base class of the errors of this package. Only the reason of a caller's own `signal` may be another error. */
export class OJSError extends Error {
  // A bundler gives classes other names.
  static override readonly name: string = 'OJSError';
  declare readonly jobId?: string;
  declare readonly queue?: string;
  declare readonly operation?: string;
  declare readonly attempt?: number;
  declare readonly requestId?: string;

  constructor(message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
    const { jobId, queue, operation, attempt, requestId } = context;
    Object.assign(this, compact({ jobId, queue, operation, attempt, requestId }));
  }

  get [brand](): true {
    return true;
  }
}

/** No answer came, or an unreadable one; `cause` says why. The call may have taken effect. */
export class OJSConnectionError extends OJSError {
  static override readonly name: string = 'OJSConnectionError';
}

/** The answer is JSON of another kind than the operation expects. `Connection` adds the URL. */
export class OJSAnswerError extends OJSConnectionError {
  static override readonly name: string = 'OJSConnectionError';
}

/** The deadline passed before an answer came. The call may have taken effect. */
export class OJSTimeoutError extends OJSError {
  static override readonly name: string = 'OJSTimeoutError';
}

export interface ValidationProblem {
  /** The place of the value, such as `args[0].when` or `options.priority`. */
  readonly path: string;
  readonly message: string;
}

/** A value or an option is wrong, so nothing was sent. */
export class OJSValidationError extends OJSError {
  static override readonly name: string = 'OJSValidationError';
  readonly issues: readonly ValidationProblem[];

  constructor(message: string, context: ErrorContext & { issues?: readonly ValidationProblem[] } = {}) {
    super(message, context);
    this.issues = context.issues ?? [];
  }

  /** An error about one place. @param got the wrong value, which the message then shows; never a secret. */
  static of(path: string, expected: string, ...got: readonly unknown[]): OJSValidationError {
    const message = got.length === 0 ? expected : `${expected}, got ${quoted(got[0])}`;
    return new OJSValidationError(`${path}: ${message}`, { issues: [{ path, message }] });
  }
}

/**
 * Reports whether the error is of this package, of any copy of it. With `code`: whether the server also answered with
 * that code.
 */
export function isOjsError(error: unknown, code?: string): error is OJSError {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false;
  return code === undefined || ('code' in error && error.code === code);
}

/**
 * Gives the error the stack of the code that awaits it. Its own stack begins at a socket or a timer and names no line
 * of the caller. Call this in an asynchronous function, after the awaited work has failed.
 */
export function restacked(error: unknown): unknown {
  const isAnswer = isOjsError(error) && 'statusCode' in error;
  // Not every engine has `captureStackTrace`.
  if (isAnswer || error instanceof OJSConnectionError || error instanceof OJSTimeoutError)
    Error.captureStackTrace?.(error, restacked);
  return error;
}

/** The error object in the answer of the server. */
export interface OJSErrorDetail {
  /** Lower case, such as `not_found`. */
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId?: string;
  /** The next step to take. Absent if the server sent none. */
  readonly hint?: string;
  /** The page about this error. Absent if the server sent none. */
  readonly docsUrl?: string;
  /** True if the answer has no error object of OJS. Then a proxy or another server answered. */
  readonly foreign?: boolean;
}

/** The server answered with a status of 400 or more. */
export class OJSAPIError extends OJSError {
  static override readonly name: string = 'OJSAPIError';
  readonly statusCode: number;
  readonly error: OJSErrorDetail;

  constructor(statusCode: number, error: OJSErrorDetail, context: ErrorContext = {}) {
    super(error.message, { requestId: error.requestId, ...context });
    this.statusCode = statusCode;
    this.error = error;
  }

  /**
   * Express, Connect and Koa answer an uncaught error with its `status`. The status of the OJS server would mislead the
   * clients of the application, so this is always 500.
   */
  get status(): 500 {
    return 500;
  }

  get code(): string {
    return this.error.code;
  }

  get retryable(): boolean {
    return this.error.retryable;
  }

  /** The next step to take, such as where to find the right name. */
  get hint(): string | undefined {
    return this.error.hint;
  }

  /** The address of the page about this error. */
  get docsUrl(): string | undefined {
    return this.error.docsUrl;
  }

  /** With the hint and the address of the page, in one line, as logs have it. */
  override toString(): string {
    const text = super.toString().replace(/(?<![.?!])$/, '.');
    const hint = this.hint !== undefined && !text.includes(this.hint) ? ` ${this.hint}` : '';
    return this.docsUrl === undefined ? text + hint : `${text}${hint} ${this.docsUrl}`;
  }
}

/** The error for a call after `close()`. */
export function closedError(operation = 'The call'): OJSError {
  return new OJSError(`${operation}: this client is closed. Close it after its last call.`, {
    operation,
  });
}

/** 401: the token is missing or wrong. 403 has the subclass {@link OJSPermissionError}. */
export class OJSAuthenticationError extends OJSAPIError {
  static override readonly name: string = 'OJSAuthenticationError';

  constructor(statusCode: number, error: OJSErrorDetail, context: ErrorContext = {}) {
    const hint = 'Set OJS_AUTH_TOKEN, or pass the option token.';
    super(statusCode, statusCode === 401 ? { ...error, hint } : error, context);
    if (statusCode === 401) this.message += ` ${hint}`;
  }
}

/**
 * 403: the server does not permit this call, for example because the token lacks a right. No call is retried; a worker
 * and an outbox relay stop.
 */
export class OJSPermissionError extends OJSAuthenticationError {
  static override readonly name: string = 'OJSPermissionError';
}

/** 409 `duplicate`: another job has this id or this unique key. */
export class DuplicateJobError extends OJSAPIError {
  static override readonly name: string = 'DuplicateJobError';

  get existingJobId(): string | undefined {
    const id = this.error.details.existing_job_id;
    return typeof id === 'string' ? id : undefined;
  }
}

/** The server answered `not_found`: for a job, queue, cron job, workflow or any other resource. */
export class JobNotFoundError extends OJSAPIError {
  static override readonly name: string = 'JobNotFoundError';
}

/** 409 `job_ended`: the job has ended, so it reads no more signals. */
export class JobEndedError extends OJSAPIError {
  static override readonly name: string = 'JobEndedError';
}

/** The queue is paused, and the server refuses new jobs for it. The client does not retry. */
export class QueuePausedError extends OJSAPIError {
  static override readonly name: string = 'QueuePausedError';
}

/** The rate limit that the answer names. */
export interface RateLimitInfo {
  readonly limit?: number;
  readonly remaining?: number;
  /** Unix time in seconds. */
  readonly reset?: number;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** 429, after the retries of the call. */
export class RateLimitedError extends OJSAPIError {
  static override readonly name: string = 'RateLimitedError';
  declare readonly rateLimit?: RateLimitInfo;

  constructor(
    statusCode: number,
    error: OJSErrorDetail,
    context: ErrorContext & { rateLimit?: RateLimitInfo | undefined } = {},
  ) {
    super(statusCode, error, context);
    if (context.rateLimit !== undefined) this.rateLimit = context.rateLimit;
  }

  /** Seconds. */
  get retryAfter(): number | undefined {
    return this.rateLimit?.retryAfter;
  }
}

/** `wait()` rejects with it: the job was discarded or cancelled. */
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

/** The reason of `ctx.signal` after an execution has exceeded the timeout of its job. */
export class JobTimeoutError extends OJSError {
  static override readonly name: string = 'JobTimeoutError';
  readonly timeoutMs: number;

  constructor(message: string, timeoutMs: number, context: ErrorContext = {}) {
    super(message, context);
    this.timeoutMs = timeoutMs;
  }
}

/** A handler throws it to discard its job now, without further attempts. */
export class DiscardError extends Error {
  override readonly name = 'DiscardError';
}

/** A handler throws it to run its job again after `after`. This execution does not count as an attempt. */
export class SnoozeError extends Error {
  override readonly name = 'SnoozeError';
  readonly after: Duration;

  constructor(after: Duration) {
    super(`snoozed for ${typeof after === 'number' ? `${after} ms` : after}`);
    this.after = after;
  }
}
