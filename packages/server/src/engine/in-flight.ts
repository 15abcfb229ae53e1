import { ProtocolError } from '@ojs-ts/core';

/** The longest wait for room, in milliseconds; then the call is refused, and may come again. */
const patienceMs = 10_000;

interface Waiting {
  readonly bytes: number;
  readonly enter: (leave: () => void) => void;
}

/** Counts the bytes of what is on its way, and lets in what fits: one item at least, so that a large one passes. */
export class InFlight {
  readonly limit: number;
  #taken = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(limit: number) {
    this.limit = limit;
  }

  get room(): number {
    return this.limit - this.#taken;
  }

  /** Counts what is there already, whether it fits or not. Answers how to take it off again, once. */
  add(bytes: number): () => void {
    this.#taken += bytes;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#taken -= bytes;
      this.#admit();
    };
  }

  fits(bytes: number): boolean {
    return this.#waiting.size === 0 && this.#hasRoom(bytes);
  }

  /** Null where it does not fit, or others wait. */
  tryAdd(bytes: number): (() => void) | null {
    return this.fits(bytes) ? this.add(bytes) : null;
  }

  /**
   * Waits its turn.
   * @throws ProtocolError `backend_unavailable` where there is no room within `waitMs` (default 10,000; endless for no
   * end).
   */
  async enter(bytes: number, waitMs = patienceMs): Promise<() => void> {
    const leave = this.tryAdd(bytes);
    if (leave !== null) return leave;
    return new Promise((resolve, reject) => {
      const refuse = () => {
        this.#waiting.delete(waiting);
        reject(noRoom());
        this.#admit();
      };
      const timer = Number.isFinite(waitMs) ? setTimeout(refuse, waitMs) : undefined;
      const waiting: Waiting = {
        bytes,
        enter: (leave) => {
          clearTimeout(timer);
          resolve(leave);
        },
      };
      this.#waiting.add(waiting);
    });
  }

  #hasRoom(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.limit;
  }

  #admit(): void {
    for (const waiting of this.#waiting) {
      if (!this.#hasRoom(waiting.bytes)) return;
      this.#waiting.delete(waiting);
      waiting.enter(this.add(waiting.bytes));
    }
  }
}

export function noRoom(): ProtocolError {
  return new ProtocolError(
    'backend_unavailable',
    'The calls in progress fill the memory that is set aside for them. ' +
      'Try again; if it recurs, raise --max-old-space-size of the server.',
    { retry_after: 1 },
  );
}
