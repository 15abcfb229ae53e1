import type { Millis } from '@ojs-ts/core';
import { EventEntries, type EventKind, type EventSubject } from '@ojs-ts/core/events';
import type { Json, State } from '@ojs-ts/core/job';

/** A call that changes something: its time, and its events. */
export class Change {
  readonly now: Millis;
  readonly entries = new EventEntries();
  readonly #logged: boolean;

  constructor(now: Millis, logged: boolean) {
    this.now = now;
    this.#logged = logged;
  }

  /** @param from the state before; null at creation. */
  log(kind: EventKind, job: EventSubject, from: State | null, data: Json | null = null): void {
    if (this.#logged) this.entries.job(kind, job, from, data);
  }

  logNode(...member: Parameters<EventEntries['node']>): void {
    if (this.#logged) this.entries.node(...member);
  }

  logAll(entries: readonly Json[]): void {
    if (this.#logged) this.entries.add(entries);
  }
}
