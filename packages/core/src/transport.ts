import type { OperationName } from './operations.ts';

/** One call of the HTTP binding, without HTTP: what a Client, Worker or Admin asks of a server. */
export interface Call {
  readonly operation: OperationName;
  /** Values of the path's placeholders, not yet encoded. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** JSON text of the request body; absent for operations without one. */
  readonly body?: string;
  /** Sent as `Idempotency-Key`: a repeated call with the same key answers what the first did. */
  readonly idempotencyKey?: string;
}

export interface CallContext {
  readonly signal?: AbortSignal;
  readonly requestId?: string;
}

/** What came back. `text` is the body as JSON text. A status of 400 and more is an answer too, not an exception. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The way to a server: HTTP, or an engine in the same process. It makes one attempt and does not retry.
 * A rejection means that no answer came: whether the call took effect is unknown.
 */
export interface Transport extends AsyncDisposable {
  call(call: Call, context?: CallContext): Promise<Answer>;
}
