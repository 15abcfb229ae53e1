import type { Job, JobErrorEntry } from './job/job.ts';
import { compact } from './json.ts';
import type { Duration } from './options/duration.ts';

/** Where an error happened; every field is left out where it does not apply. */
export interface ErrorContext {
  jobId?: string | undefined;
  queue?: string | undefined;
  operation?: string | undefined;
  /** Which attempt of the call failed, from 1; for an error of a job, its attempt. */
  attempt?: number | undefined;
  requestId?: string | undefined;
  cause?: unknown;
}

/** Registered process-wide, so that errors are known across two copies of this package (ESM beside CommonJS, two versions). */
const brand = Symbol.for('@ojs-ts/sdk.error');

/** The parent of every error that this package rejects with, besides the reason of a caller's own abort. */
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

/** No answer came, or none that can be read; `cause` says why. Whether the call took effect is unknown. */
export class OJSConnectionError extends OJSError {
  static override readonly name: string = 'OJSConnectionError';
}

/** The answer is JSON, and not what was asked for. Whoever knows the call says where it came from. */
export class OJSAnswerError extends OJSConnectionError {
  static override readonly name: string = 'OJSConnectionError';
}

/** The deadline passed first. Whether the call took effect is unknown. */
export class OJSTimeoutError extends OJSError {
  static override readonly name: string = 'OJSTimeoutError';
}

export interface ValidationProblem {
  /** Where the value stands, such as `args[0].when` or `options.priority`. */
  readonly path: string;
  readonly message: string;
}

/** What was given cannot be sent; nothing was sent. */
export class OJSValidationError extends OJSError {
  static override readonly name: string = 'OJSValidationError';
  readonly issues: readonly ValidationProblem[];

  constructor(message: string, context: ErrorContext & { issues?: readonly ValidationProblem[] } = {}) {
    super(message, context);
    this.issues = context.issues ?? [];
  }

  /** An error about one place. */
  static of(path: string, message: string): OJSValidationError {
    return new OJSValidationError(`${path}: ${message}`, { issues: [{ path, message }] });
  }
}

/** Whether this is an error of this SDK, of any copy of it; with `code`, whether the server answered with that code. */
export function isOjsError(error: unknown, code?: string): error is OJSError {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false;
  return code === undefined || ('code' in error && error.code === code);
}

/**
 * The error with the stack of the code that waits for it, for throwing it there: it was made where an answer came in or a timer ran out, and tells of no line of the
 * caller's. Called in an asynchronous function after what it awaits has failed.
 */
export function restacked(error: unknown): unknown {
  const isAnswer = isOjsError(error) && 'statusCode' in error;
  // Not every engine has it.
  if (isAnswer || error instanceof OJSConnectionError || error instanceof OJSTimeoutError)
    Error.captureStackTrace?.(error, restacked);
  return error;
}

/** The server's own words about what it refused. */
export interface OJSErrorDetail {
  /** Lower case, such as `not_found` (digest §3.1). */
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId?: string;
  /** True where the body holds no error object of OJS: somebody on the way answered, such as a proxy, and the server may know nothing of it. */
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
   * For frameworks that answer an error that nobody caught with its `status` (Express, Connect, Koa): what an OJS server said of a call of this application is no
   * answer to a request of somebody else.
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
}

/** 401 and 403. */
export class OJSAuthenticationError extends OJSAPIError {
  static override readonly name: string = 'OJSAuthenticationError';

  constructor(statusCode: number, error: OJSErrorDetail, context: ErrorContext = {}) {
    super(statusCode, error, context);
    if (statusCode === 401) this.message += ' Give the client the option token, or set OJS_AUTH_TOKEN.';
  }
}

/** 409 `duplicate`: another job has this id or this unique key. */
export class DuplicateJobError extends OJSAPIError {
  static override readonly name: string = 'DuplicateJobError';

  get existingJobId(): string | undefined {
    const id = this.error.details.existing_job_id;
    return typeof id === 'string' ? id : undefined;
  }
}

/** Every answer with the code `not_found`, whatever was looked for. */
export class JobNotFoundError extends OJSAPIError {
  static override readonly name: string = 'JobNotFoundError';
}

/** The queue is paused and the server refuses new jobs for it. Never retried by itself. */
export class QueuePausedError extends OJSAPIError {
  static override readonly name: string = 'QueuePausedError';
}

/** What an answer says about the limit that it ran into. */
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
