import { type ErrorContext, OJSError } from './base.ts';

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
