import type { LeasedJob } from '../leases/leased-job.ts';

/** Of one request: the server takes 1,000 items; more bytes would keep a slow connection busy for one batch. */
const maxItems = 500;
const maxCharacters = 512 * 1024;

/** Outcomes that the server has not answered yet. */
export class PendingOutcomes {
  #ready: LeasedJob[] = [];
  #undelivered = 0;

  /** How many can be sent now. */
  get ready(): number {
    return this.#ready.length;
  }

  /** Ready, under way, or waiting to be tried again. */
  get undelivered(): number {
    return this.#undelivered;
  }

  /** A new outcome. */
  add(leased: LeasedJob): void {
    this.announce();
    this.#ready.push(leased);
  }

  /** A new outcome that cannot go yet; `putBack` brings it. */
  announce(): void {
    this.#undelivered++;
  }

  /** One that was taken before, or announced. */
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

  /** Answered for good, or given up. */
  done(): void {
    this.#undelivered--;
  }
}
