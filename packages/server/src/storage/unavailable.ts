/** The store cannot be had just now; the same call may succeed later. Callers are told to try again (503). */
export class StoreUnavailable extends Error {
  readonly retryable = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreUnavailable';
  }
}
