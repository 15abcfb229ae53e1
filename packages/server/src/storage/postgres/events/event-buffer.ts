import type { Millis } from '@ojs-ts/core';
import { EventEntries, type EventKind, type EventSubject, type NewBatch } from '@ojs-ts/core/events';
import type { Json, State } from '@ojs-ts/core/job';
import type { WorkflowCounts } from '@ojs-ts/core/workflow';
import { rareOf } from '../../rows.ts';

type Part = ((entries: EventEntries) => void) | EventBuffer;

/** The columns `count`, `entries` and `rare` of a batch; those of none if there is none. */
export function batchValues(batch: NewBatch | null): readonly [number, Json | null, number | null] {
  if (batch === null) return [0, null, null];
  return [batch.count, batch.entries, rareOf(batch.kinds)];
}

/**
 * The events of a transaction in their order: entries, and sections that may be filled later than what follows them.
 * Their texts are made at the end, since most are short by what comes before them.
 */
export class EventBuffer {
  readonly #on: boolean;
  readonly #parts: Part[] = [];

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
    if (this.#on) this.#parts.push((entries) => entries.job(kind, job, from, data));
  }

  /** Entries of many jobs: one part for each is 250 bytes of memory, until the end of the transaction. */
  later(write: (entries: EventEntries) => void): void {
    if (this.#on) this.#parts.push(write);
  }

  /** The events of a member whose job has ended; `workflow` has counted the member already. */
  node(
    workflow: WorkflowCounts,
    node: { readonly index: number; readonly name: string },
    job: EventSubject,
    now: Millis,
  ): void {
    if (!this.#on) return;
    const { id, name, kind, total, completed, failed, cancelled } = workflow;
    const counts = { id, name, kind, total, completed, failed, cancelled };
    this.#parts.push((entries) => entries.node(counts, node, job, now));
  }

  add(more: readonly Json[]): void {
    if (this.#on && more.length > 0) this.#parts.push((entries) => entries.add(more));
  }

  /** Removes the entries and returns them in order; null if there are none. */
  take(): NewBatch | null {
    const entries = new EventEntries();
    this.#write(entries);
    return entries.take();
  }

  #write(entries: EventEntries): void {
    for (const part of this.#parts.splice(0)) {
      if (part instanceof EventBuffer) part.#write(entries);
      else part(entries);
    }
  }
}
