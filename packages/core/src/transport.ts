import type { Grant } from './access/roles.ts';
import type { OperationName } from './operations/operations.ts';

/** One call of the HTTP binding, without HTTP: a request of a Client, Worker or Admin to a server. */
export interface Call {
  readonly operation: OperationName;
  /** Values of the path's placeholders, not encoded yet. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** JSON text of the request body; absent for operations without one. */
  readonly body?: string;
  /** Sent as `Idempotency-Key`: a repeated call with the same key gets the answer of the first. */
  readonly idempotencyKey?: string;
}

/** Options of one request of a transport. */
export interface CallContext {
  readonly signal?: AbortSignal;
  readonly requestId?: string;
  /**
   * For an application that serves others: what the caller may do, and in which queues. Absent: everything. Only a
   * {@link GuardedTransport} reads it.
   */
  readonly grant?: Grant;
  /** Who the caller is, for the audit log. Two owners with the same idempotency key are two calls. */
  readonly owner?: string;
  /** The address of the caller's request, for the audit log. */
  readonly address?: string;
}

/** The answer. `text` is the body as JSON text. A status of 400 and more is an answer too, not an exception. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The stream to follow: one of ojs-realtime (§2, §3.2), or `summaries` of all events, at most ten a second. */
export type StreamChannel = 'all' | 'summaries' | `job:${string}` | `queue:${string}`;

export interface StreamCall {
  readonly channel: StreamChannel;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Continues after this event; sent as `Last-Event-ID`. */
  readonly lastEventId?: string;
}

/**
 * `chunks` is the text of a `text/event-stream`, cut anywhere; leaving its loop closes the connection. Null if no
 * stream came: then `text` has the reason.
 */
export interface StreamAnswer extends Answer {
  readonly chunks: AsyncIterable<string> | null;
}

/**
 * The way to a server: HTTP, or an engine in the same process. A call makes one attempt and does not retry. A rejection
 * means that no answer came: the effect of the call is unknown.
 */
export interface Transport extends AsyncDisposable {
  call(call: Call, context?: CallContext): Promise<Answer>;
  /** Server-Sent Events. The client polls a transport without this method. The signal ends the stream, too. */
  stream?(call: StreamCall, context?: CallContext): Promise<StreamAnswer>;
}

/** A transport that holds calls and streams to the `grant` of their context: the one of an embedded engine. */
export interface GuardedTransport extends Transport {
  readonly honorsGrants: true;
}

/** Path of a stream, its name encoded, with the stream's own query parameters. */
export function streamPathOf(channel: StreamChannel): {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
} {
  if (channel === 'summaries') return { path: '/ojs/v1/admin/events/summaries', query: {} };
  const colon = channel.indexOf(':');
  if (colon < 0) return { path: '/ojs/v1/events/stream', query: { channel } };
  const room = channel.startsWith('job:') ? 'jobs' : 'queues';
  return { path: `/ojs/v1/${room}/${encodeURIComponent(channel.slice(colon + 1))}/events`, query: {} };
}
