/** The store is unreachable or full; the same call may succeed later. Callers get 503 and retry. */
export class StoreUnavailable extends Error {
  readonly retryable = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreUnavailable';
  }
}

/**
 * Why a store takes no writes: no room on its disk or in its memory, read-only, its disk fails, or it does not finish
 * them.
 */
export type WriteRefusal = 'full' | 'read_only' | 'io_error' | 'timeout';

/** The store can be read, but takes no writes. */
export class StoreUnwritable extends StoreUnavailable {
  readonly reason: WriteRefusal;

  constructor(reason: WriteRefusal, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreUnwritable';
    this.reason = reason;
  }
}

/** The store's file is damaged. */
export class StoreDamaged extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreDamaged';
  }
}
