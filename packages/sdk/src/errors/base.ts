import { compact } from '../json.ts';

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
