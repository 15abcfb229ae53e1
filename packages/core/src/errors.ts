/**
 * The error catalogue (ojs-errors §4, ojs-error-catalog §4) as one table.
 * `canonical` and `ojs` are the SCREAMING and the numeric name of the same error.
 */
export interface ErrorKind {
  readonly status: number;
  readonly retryable: boolean;
  readonly canonical: string;
  readonly ojs: `OJS-${number}`;
  /** The code on the wire, if it differs from the name in this table. */
  readonly wire?: string;
  /** How a reader can solve the problem; travels as `hint`. */
  readonly hint: string;
}

export const errorKinds = {
  invalid_payload: {
    status: 400,
    retryable: false,
    canonical: 'INVALID_PAYLOAD',
    ojs: 'OJS-1000',
    hint: 'Send a JSON object encoded in UTF-8.',
  },
  invalid_request: {
    status: 400,
    retryable: false,
    canonical: 'INVALID_REQUEST',
    ojs: 'OJS-1001',
    hint: 'Correct the request as the message says.',
  },
  validation_error: {
    status: 422,
    retryable: false,
    canonical: 'INVALID_RETRY_POLICY',
    ojs: 'OJS-1006',
    hint: 'Correct the retry policy; durations are ISO 8601, such as PT1S.',
  },
  schema_validation: {
    status: 400,
    retryable: false,
    canonical: 'SCHEMA_VALIDATION_FAILED',
    ojs: 'OJS-1008',
    hint: 'Make args match the registered schema.',
  },
  envelope_too_large: {
    status: 413,
    retryable: false,
    canonical: 'PAYLOAD_TOO_LARGE',
    ojs: 'OJS-1009',
    hint: 'Store large data elsewhere and pass a reference in args.',
  },
  not_found: {
    status: 404,
    retryable: false,
    canonical: 'NOT_FOUND',
    ojs: 'OJS-3000',
    hint: 'Check the id. The server deletes a finished job when its retention ends.',
  },
  duplicate: {
    status: 409,
    retryable: false,
    canonical: 'DUPLICATE_JOB',
    ojs: 'OJS-3001',
    hint: 'Use the existing job or workflow: details has its id. Or set unique.on_conflict to ignore or replace.',
  },
  conflict: {
    status: 409,
    retryable: false,
    canonical: 'INVALID_STATE_TRANSITION',
    ojs: 'OJS-1005',
    hint: 'Read the current state, then decide again. A worker that gets this answer no longer owns the job.',
  },
  queue_paused: {
    status: 422,
    retryable: true,
    canonical: 'QUEUE_PAUSED',
    ojs: 'OJS-3004',
    hint: 'Resume the queue, or try again later.',
  },
  rate_limited: {
    status: 429,
    retryable: true,
    canonical: 'RATE_LIMITED',
    ojs: 'OJS-6000',
    hint: 'Wait for the number of seconds in Retry-After.',
  },
  queue_full: {
    status: 429,
    retryable: true,
    canonical: 'QUEUE_FULL',
    ojs: 'OJS-6001',
    // In capitals, because the official case EXT-BP-001 reads it so (ojs-backpressure).
    wire: 'QUEUE_FULL',
    hint: 'Wait until workers have caught up.',
  },
  unsupported: {
    status: 422,
    retryable: false,
    canonical: 'UNSUPPORTED_FEATURE',
    ojs: 'OJS-7000',
    hint: 'GET /ojs/manifest lists what this server supports.',
  },
  result_too_large: {
    status: 413,
    retryable: false,
    canonical: 'RESULT_TOO_LARGE',
    ojs: 'OJS-7900',
    wire: 'RESULT_TOO_LARGE',
    hint: 'The job is still active; store the result elsewhere and ack with a reference to it.',
  },
  result_pruned: {
    status: 410,
    retryable: false,
    canonical: 'RESULT_PRUNED',
    ojs: 'OJS-7901',
    wire: 'RESULT_PRUNED',
    hint: 'The server keeps a result for result_ttl seconds after its job.',
  },
  result_pending: {
    status: 408,
    retryable: true,
    canonical: 'RESULT_PENDING',
    ojs: 'OJS-7902',
    hint: 'The job has not finished. Wait again.',
  },
  batch_size_exceeded: {
    status: 413,
    retryable: false,
    canonical: 'BATCH_SIZE_EXCEEDED',
    ojs: 'OJS-7903',
    wire: 'BATCH_SIZE_EXCEEDED',
    hint: 'Send at most details.max_batch_size items in one request.',
  },
  batch_aborted: {
    status: 422,
    retryable: true,
    canonical: 'BATCH_ABORTED',
    ojs: 'OJS-7904',
    hint: 'Correct the items with an error of their own. No item of the batch was done.',
  },
  idempotency_conflict: {
    status: 409,
    retryable: false,
    canonical: 'IDEMPOTENCY_CONFLICT',
    ojs: 'OJS-7905',
    hint: 'Use a new key for each new request, and the same key only to repeat a request.',
  },
  extension_not_supported: {
    status: 422,
    retryable: false,
    canonical: 'EXTENSION_NOT_SUPPORTED',
    ojs: 'OJS-7906',
    wire: 'EXTENSION_NOT_SUPPORTED',
    hint: 'GET /ojs/manifest lists the extensions. Without the header the server uses those that it has.',
  },
  step_too_large: {
    status: 413,
    retryable: false,
    canonical: 'STEP_TOO_LARGE',
    ojs: 'OJS-7907',
    hint: 'Store the value elsewhere and return a reference to it from the step.',
  },
  too_many_steps: {
    status: 422,
    retryable: false,
    canonical: 'TOO_MANY_STEPS',
    ojs: 'OJS-7908',
    hint: 'Use fewer steps a job: enqueue another job for the rest, or poll in place of a loop of sleeps.',
  },
  step_kind: {
    status: 422,
    retryable: false,
    canonical: 'STEP_KIND',
    ojs: 'OJS-7909',
    hint: 'Give the new operation a name of its own: the name belongs to what was recorded under it.',
  },
  has_steps: {
    status: 409,
    retryable: false,
    canonical: 'HAS_STEPS',
    ojs: 'OJS-7910',
    hint: 'Recorded steps follow from the arguments. Cancel the job, or run it again as a new job with other args.',
  },
  job_ended: {
    status: 409,
    retryable: false,
    canonical: 'JOB_ENDED',
    ojs: 'OJS-7911',
    hint: 'The job has ended and reads no more signals. details.current_state tells how.',
  },
  token_taken: {
    status: 409,
    retryable: false,
    canonical: 'TOKEN_TAKEN',
    ojs: 'OJS-7912',
    hint: 'A token names one thing that is waited for. Put the id of that thing into it, not of a person or a type.',
  },
  mailbox_full: {
    status: 429,
    retryable: true,
    canonical: 'MAILBOX_FULL',
    ojs: 'OJS-7913',
    hint: 'Wait until the job has read some signals, or cancel it.',
  },
  steps_moved: {
    status: 409,
    retryable: false,
    canonical: 'STEPS_MOVED',
    ojs: 'OJS-7914',
    hint: 'Look at the job details.successor: it has the steps now, and can be retried, undone or run again.',
  },
  undo_pending: {
    status: 409,
    retryable: false,
    canonical: 'UNDO_PENDING',
    ojs: 'OJS-7915',
    hint: 'Undo the job, run it again from a later step, or send forget to leave these steps as they are.',
  },
  backend_error: {
    status: 500,
    retryable: true,
    canonical: 'BACKEND_ERROR',
    ojs: 'OJS-2000',
    hint: 'Try again; the server log has the cause under this request id.',
  },
  backend_unavailable: {
    status: 503,
    retryable: true,
    canonical: 'BACKEND_UNAVAILABLE',
    ojs: 'OJS-2001',
    hint: 'Wait for the number of seconds in Retry-After.',
  },
  timeout: {
    status: 504,
    retryable: true,
    canonical: 'BACKEND_TIMEOUT',
    ojs: 'OJS-2002',
    hint: 'Try again; whether the call took effect is unknown.',
  },
  unauthenticated: {
    status: 401,
    retryable: false,
    canonical: 'UNAUTHENTICATED',
    ojs: 'OJS-5000',
    hint: 'Send the header Authorization: Bearer TOKEN. An administrator creates tokens with ojs tokens create.',
  },
  permission_denied: {
    status: 403,
    retryable: false,
    canonical: 'PERMISSION_DENIED',
    ojs: 'OJS-5001',
    hint: 'Use a token that has the right, or covers the queue, that the message names.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

export interface ValidationIssue {
  /** JSONPath of the offending value, such as `$.options.retry.max_attempts`. */
  readonly path: string;
  /** The problem, and the expected value. */
  readonly message: string;
  /** For an unknown name: the nearest known one; null if none is near. */
  readonly suggestion?: string | null;
}

/** A refusal with its row of the catalogue. The binding turns it into the API error body (ojs-http-binding §16). */
export class ProtocolError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: string;

  /** @param hint how a reader can solve the problem, if the catalogue does not say enough. */
  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    hint: string = errorKinds[code].hint,
  ) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
    this.details = details;
    this.hint = hint;
  }

  get kind(): ErrorKind {
    return errorKinds[this.code];
  }

  /** The message is that of the first issue; `details.validation_errors` has all of them (ojs-json-format §12.4). */
  static invalid(
    issues: readonly ValidationIssue[],
    code: 'invalid_request' | 'validation_error' = 'invalid_request',
  ): ProtocolError {
    const first = issues[0];
    const hint = `${errorKinds[code].hint} details.validation_errors names the fields.`;
    return new ProtocolError(
      code,
      first ? `${first.path}: ${first.message}` : 'The request is invalid.',
      { validation_errors: issues },
      hint,
    );
  }
}
