import { type EventKind, type EventSubject, type Json, jobEventEntry, type State } from '@ojs-ts/core';

/** A stretch of the log: entries, and stretches that may be written later than what stands behind them. */
export class Slot {
  readonly #on: boolean;
  readonly #parts: (Json | Slot)[] = [];

  /** @param on whether events are logged. */
  constructor(on: boolean) {
    this.#on = on;
  }

  /** A stretch at the present end of this one: what is added to it stands before all that is added here from now on. */
  slot(): Slot {
    const slot = new Slot(this.#on);
    this.#parts.push(slot);
    return slot;
  }

  job(kind: EventKind, job: EventSubject, from: State | null, data: Json | null = null): void {
    if (this.#on) this.#parts.push(jobEventEntry(kind, job, from, data));
  }

  add(entries: readonly Json[]): void {
    if (this.#on) for (const entry of entries) this.#parts.push(entry);
  }

  /** Takes its entries out, in their order. */
  take(): readonly Json[] {
    return this.#parts.splice(0).flatMap((part) => (typeof part === 'string' ? [part] : part.take()));
  }
}
