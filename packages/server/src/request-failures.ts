import type { Logger } from 'pino';

const everyMs = 60_000;
/** Causes that are counted at once. If each error has its own text, each has its line. */
const mostCauses = 100;

/**
 * Errors of requests for the log: one line for each cause and minute. In an outage of the store every request fails
 * alike, and a line with a stack for each was 1.2 MB in 25 s at 10 requests a second.
 */
export class RequestFailures implements Disposable {
  readonly #log: Logger;
  /** By cause, how many errors the log does not have yet. */
  readonly #counts = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  readonly failed = (error: unknown, operation: string, requestId: string): void => {
    const cause = causeOf(error);
    const count = this.#counts.get(cause);
    if (count !== undefined) {
      this.#counts.set(cause, count + 1);
      return;
    }
    this.#log.error({ err: error, operation, request_id: requestId }, 'request failed');
    if (this.#counts.size >= mostCauses) return;
    this.#counts.set(cause, 0);
    this.#timer ??= setInterval(() => this.#tell(), everyMs).unref();
  };

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#tell();
  }

  /** A cause that was quiet for a whole interval gets a line with its stack again. */
  #tell(): void {
    for (const [cause, repeated] of this.#counts) {
      if (repeated === 0) this.#counts.delete(cause);
      else {
        this.#log.error({ cause, repeated }, 'request failed');
        this.#counts.set(cause, 0);
      }
    }
    if (this.#counts.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function causeOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
