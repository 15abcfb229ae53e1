import { type ErrorCode, OjsFault } from '@ojs-ts/core';

/** An answer of the HTTP binding before HTTP: status, JSON text, headers beyond those that every answer has. */
export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Undoes what must not stand when the caller was gone before the answer was written. Never rejects. */
  readonly undelivered?: () => Promise<void>;
}

export function ok(text: string): Reply {
  return { status: 200, text };
}

export function json(value: unknown, status = 200): Reply {
  return { status, text: JSON.stringify(value) };
}

/** The API error body (ojs-http-binding §16, X2): nested, lower-case code, the other names of the error beside it. */
export function refusal(fault: OjsFault, requestId: string): Reply {
  const { kind, code, message, details } = fault;
  const body = {
    error: {
      code,
      type: code,
      message,
      retryable: kind.retryable,
      request_id: requestId,
      hint: kind.hint,
      docs_url: `https://openjobspec.org/docs/errors#${code}`,
      canonical_code: kind.canonical,
      ojs_code: kind.ojs,
      details,
    },
  };
  const headers = headersOf(kind.status, details);
  return { status: kind.status, text: JSON.stringify(body), ...(headers && { headers }) };
}

function headersOf(status: number, details: OjsFault['details']): Reply['headers'] {
  if (status === 401) return { 'www-authenticate': 'Bearer' };
  return status === 429 || status === 503 ? { 'retry-after': String(details.retry_after ?? 1) } : undefined;
}

/** Anything else that was thrown: the caller learns that it may try again, the cause stays in the log. */
export function faultOf(error: unknown): OjsFault {
  if (error instanceof OjsFault) return error;
  const code: ErrorCode = isBusy(error) ? 'backend_unavailable' : 'backend_error';
  return new OjsFault(
    code,
    code === 'backend_error' ? 'The server could not finish the request.' : 'The store cannot be reached just now.',
  );
}

/** A storage marks an error as passing by `retryable: true`. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}
