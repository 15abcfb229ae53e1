/** Readers that take nothing for so long are dropped, in milliseconds. */
const stallMs = 15_000;
/** A write that takes a moment is no sign of a slow reader. */
const graceMs = 250;

export interface Reader {
  readonly destroy: () => void;
}

interface Write {
  readonly reader: Reader;
  readonly bytes: number;
  readonly since: number;
}

/**
 * The memory that streams and WebSockets hold for readers that do not read: the server drops a reader that has not read
 * for 15 s, and the one that waits longest if all together hold more than the limit.
 */
export class SlowReaders {
  readonly #limit: number;
  readonly #warn: (fields: object, event: string) => void;
  /** By when they began. */
  readonly #writes = new Set<Write>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limit: number, warn: (fields: object, event: string) => void) {
    this.#limit = limit;
    this.#warn = warn;
  }

  /** Something waits for the reader. Answers what to call when it was taken, or never will be. */
  waits(reader: Reader, bytes: number): () => void {
    const write = { reader, bytes, since: performance.now() };
    this.#writes.add(write);
    this.#bytes += bytes;
    this.#timer ??= setInterval(() => this.check(performance.now()), graceMs).unref();
    return () => this.#end(write);
  }

  /** Drops readers. @param now by `performance.now()`. */
  check(now: number): void {
    for (const write of this.#writes) {
      const waitedMs = Math.round(now - write.since);
      if (waitedMs < graceMs || (waitedMs < stallMs && this.#bytes <= this.#limit)) break;
      this.#end(write);
      this.#warn({ waited_ms: waitedMs, bytes: write.bytes, held_bytes: this.#bytes }, 'slow reader dropped');
      write.reader.destroy();
    }
    if (this.#writes.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #end(write: Write): void {
    if (this.#writes.delete(write)) this.#bytes -= write.bytes;
  }
}

/** The cost of a reader besides the text that waits for it: a full buffer of events, and a page of the log. */
export const readerBytes = 65_536;
