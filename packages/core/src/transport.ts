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

/** What holds for one request of a transport. */
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

/** What to follow (ojs-realtime §2, §3.2). */
export type StreamChannel = 'all' | `job:${string}` | `queue:${string}`;

export interface StreamCall {
  readonly channel: StreamChannel;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Goes on after this event; sent as `Last-Event-ID`. */
  readonly lastEventId?: string;
}

/**
 * `chunks` is the text of a `text/event-stream`, cut anywhere; leaving its loop closes the connection. Null where no
 * stream came: then `text` says why.
 */
export interface StreamAnswer extends Answer {
  readonly chunks: AsyncIterable<string> | null;
}

/**
 * The way to a server: HTTP, or an engine in the same process. It makes one attempt and does not retry.
 * A rejection means that no answer came: whether the call took effect is unknown.
 */
export interface Transport extends AsyncDisposable {
  call(call: Call, context?: CallContext): Promise<Answer>;
  /** Server-Sent Events. A transport without it is polled. The signal ends the stream, too. */
  stream?(call: StreamCall, context?: CallContext): Promise<StreamAnswer>;
}

/** Path of a stream, its name encoded, with what its query says beyond the caller's own. */
export function streamPathOf(channel: StreamChannel): {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
} {
  const colon = channel.indexOf(':');
  if (colon < 0) return { path: '/ojs/v1/events/stream', query: { channel } };
  const room = channel.startsWith('job:') ? 'jobs' : 'queues';
  return { path: `/ojs/v1/${room}/${encodeURIComponent(channel.slice(colon + 1))}/events`, query: {} };
}
