/** A refusal of the server, or no answer at all: `status` is 0 then. */
export class ApiFailure extends Error {
  readonly status: number;
  /** A code of the table of errors: `not_found`, `rate_limited`. */
  readonly code: string;
  /** The action that fixes it. */
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId: string | undefined;

  constructor(status: number, answer: ErrorAnswer, requestId?: string) {
    super(answer.message);
    this.name = 'ApiFailure';
    this.status = status;
    this.code = answer.code;
    // The user of a page sees no header.
    this.hint = answer.hint?.includes('Retry-After') ? 'Try again in a few seconds.' : answer.hint;
    this.details = answer.details ?? {};
    this.requestId = requestId;
  }

  /** True if the server or its storage cannot answer any call. */
  get isOutage(): boolean {
    return this.status === 0 || (this.status >= 502 && this.status <= 504);
  }

  /** True if the same call may succeed later. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Reports whether the server has no such thing. */
export function isMissing(error: unknown): boolean {
  return error instanceof ApiFailure && error.status === 404;
}

export interface ErrorAnswer {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export function isErrorBody(body: unknown): body is { readonly error: ErrorAnswer } {
  if (typeof body !== 'object' || body === null || !('error' in body)) return false;
  const { error } = body;
  return typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string';
}

/** For people: what went wrong. A form has no `$`, so the path of a field begins with its name. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiFailure) return error.message.replace(/\$\.(?=\w)/g, '');
  return error instanceof Error ? error.message : String(error);
}
