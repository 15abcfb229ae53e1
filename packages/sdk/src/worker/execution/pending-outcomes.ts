import type { LeasedJob } from '../leases/leased-job.ts';

/**
 * The most items in one request. The server takes 1,000; more bytes would keep a slow connection busy with one batch.
 */
const maxItems = 500;
const maxCharacters = 512 * 1024;

/** Outcomes without an answer from the server. */
export class PendingOutcomes {
  #ready: LeasedJob[] = [];
  #undelivered = 0;

  /** How many outcomes can be sent now. */
  get ready(): number {
    return this.#ready.length;
  }

  /** Outcomes that are ready, in flight, or waiting for a retry. */
  get undelivered(): number {
    return this.#undelivered;
  }

  /** A new outcome. */
  add(leased: LeasedJob): void {
    this.announce();
    this.#ready.push(leased);
  }

  /** A new outcome that cannot be sent yet; `putBack` makes it ready. */
  announce(): void {
    this.#undelivered++;
  }

  /** Makes an outcome ready that was taken or announced. */
  putBack(leased: LeasedJob): void {
    this.#ready.push(leased);
  }

  take(): LeasedJob[] {
    let characters = 0;
    let count = 0;
    for (const leased of this.#ready) {
      characters += leased.entry.length;
      if (count > 0 && (count === maxItems || characters > maxCharacters)) break;
      count++;
    }
    if (count === this.#ready.length) {
      const all = this.#ready;
      this.#ready = [];
      return all;
    }
    return this.#ready.splice(0, count);
  }

  /** The outcome was answered for good, or given up. */
  done(): void {
    this.#undelivered--;
  }
}
