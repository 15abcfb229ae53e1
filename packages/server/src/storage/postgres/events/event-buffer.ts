import { type EventKind, type EventSubject, type Json, jobEventEntry, type State } from '@ojs-ts/core';

/**
 * The events of a transaction in their order: entries, and sections that may be filled later than what follows them.
 */
export class EventBuffer {
  readonly #on: boolean;
  readonly #parts: (Json | EventBuffer)[] = [];

  /** @param on whether events are logged. */
  constructor(on: boolean) {
    this.#on = on;
  }

  /** Opens a section at the present end: its entries come before everything added here from now on. */
  section(): EventBuffer {
    const section = new EventBuffer(this.#on);
    this.#parts.push(section);
    return section;
  }

  job(kind: EventKind, job: EventSubject, from: State | null, data: Json | null = null): void {
    if (this.#on) this.#parts.push(jobEventEntry(kind, job, from, data));
  }

  add(entries: readonly Json[]): void {
    if (this.#on) for (const entry of entries) this.#parts.push(entry);
  }

  /** Removes the entries and returns them in order. */
  take(): readonly Json[] {
    return this.#parts.splice(0).flatMap((part) => (typeof part === 'string' ? [part] : part.take()));
  }
}
