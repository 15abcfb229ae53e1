import {
  type EventEntry,
  type EventKind,
  type JobRecord,
  type Json,
  jobEventEntry,
  type Millis,
  renderEvent,
  type State,
  type WireEvent,
} from '@ojs-ts/core';

interface Line {
  readonly at: Millis;
  readonly entry: EventEntry;
}

/** A store is never mistaken for another by its events: each has a seed of its own. */
let seeds = 0;

/** The events of a store, from position 1 on. */
export class EventLog {
  readonly #seed = ++seeds & 0xffff;
  readonly #lines: Line[] = [];

  get length(): number {
    return this.#lines.length;
  }

  job(kind: EventKind, job: JobRecord, from: State | null, at: Millis, data: Json | null = null): void {
    this.add(jobEventEntry(kind, job, from, data), at);
  }

  add(entry: Json, at: Millis): void {
    const read: EventEntry = JSON.parse(entry);
    this.#lines.push({ at, entry: read });
  }

  /** Up to `limit` events after a position that `matches`; `next` is the position to go on after. */
  after(
    position: number,
    limit: number,
    matches: (entry: EventEntry) => boolean,
  ): { readonly events: WireEvent[]; readonly next: number } {
    const events: WireEvent[] = [];
    let next = position;
    for (const { at, entry } of this.#lines.slice(position)) {
      if (events.length === limit) break;
      next += 1;
      if (matches(entry))
        events.push(renderEvent({ position: next, at }, entry, 0, 'ojs://ojs-ts/testing', this.#seed));
    }
    return { events, next };
  }
}
