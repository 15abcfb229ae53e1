/** The store is unreachable or full; the same call may succeed later. Callers get 503 and retry. */
export class StoreUnavailable extends Error {
  readonly retryable = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreUnavailable';
  }
}
