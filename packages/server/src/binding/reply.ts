import { type ErrorCode, ProtocolError } from '@ojs-ts/core';
import { type Asked, type PlainReply, renderError } from '@ojs-ts/core/requests';
import { StoreUnwritable, type WriteRefusal } from '../storage/unavailable.ts';

export { json, ok } from '@ojs-ts/core/requests';

/** An answer of the HTTP binding before HTTP. */
export interface Reply extends PlainReply {
  /** A text that is too long to be held as a whole: it is read as fast as the caller takes it. `text` is empty then. */
  readonly chunks?: AsyncIterable<string>;
  /** Undoes the work if the caller disconnected before the answer was written. Never rejects. */
  readonly undelivered?: () => Promise<void>;
  /** To be called when the answer was delivered, or never will be: it takes no more memory. Idempotent. */
  readonly release?: () => void;
}

/** The answer to a refused call. */
export function refusal(fault: ProtocolError, asked: Asked): Reply {
  const headers = headersOf(fault.code, fault.kind.status, fault.details);
  return { status: fault.kind.status, text: renderError(fault, asked), ...(headers && { headers }) };
}

function headersOf(code: ErrorCode, status: number, details: ProtocolError['details']): Reply['headers'] {
  if (status === 401) return { 'www-authenticate': 'Bearer' };
  if (code === 'batch_size_exceeded') return { 'x-ojs-max-batch-size': String(details.max_batch_size) };
  if (status !== 429 && status !== 503) return undefined;
  const wait = { 'retry-after': String(details.retry_after ?? 1) };
  if (code !== 'queue_full') return wait;
  // A full queue is a limit like others (ojs-backpressure §7.2): its bound, what is left of it, and when to try again
  // in seconds since 1970.
  const reset = Math.ceil(Date.now() / 1_000) + Number(details.retry_after ?? 1);
  return {
    ...wait,
    'x-ojs-queue-depth': String(details.depth),
    'x-ojs-queue-bound': String(details.bound),
    'x-ratelimit-limit': String(details.bound),
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(reset),
  };
}

const refusals: Readonly<Record<WriteRefusal, string>> = {
  full: 'its disk or its memory is full',
  read_only: 'it is read-only',
  io_error: 'its disk refuses to write',
  timeout: 'it does not finish them',
};

/** Any other error: the caller may try again, the cause is only in the log. */
export function faultOf(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  if (error instanceof StoreUnwritable) {
    const message = `The store takes no writes: ${refusals[error.reason]}.`;
    return new ProtocolError('backend_unavailable', message, { reason: error.reason });
  }
  const code: ErrorCode = isBusy(error) ? 'backend_unavailable' : 'backend_error';
  return new ProtocolError(
    code,
    code === 'backend_error' ? 'The server could not finish the request.' : 'The store is unreachable; try again.',
  );
}

/** A storage marks a temporary error by `retryable: true`. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}

/** True for an error of the store, after which the caller may try again. */
export function isBroken(fault: ProtocolError | null): boolean {
  return fault !== null && fault.kind.status >= 500;
}
