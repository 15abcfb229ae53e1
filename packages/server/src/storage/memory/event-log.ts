import { type EventBatch, firstIndex, type Millis } from '@ojs-ts/core';
import type { PruneRules } from '../storage.ts';

/** The event log: one batch for each call. */
export class EventLog {
  readonly #batches: EventBatch[] = [];
  #newest = 0;

  append({ count, entries }: Pick<EventBatch, 'count' | 'entries'>, at: Millis): void {
    this.#batches.push({ position: this.#newest + 1, at, count, entries });
    this.#newest += count;
  }

  /** Adds a batch of a dump. */
  load(batch: EventBatch): void {
    this.#batches.push(batch);
    this.reach(endOf(batch));
  }

  /** New positions continue after this one. */
  reach(position: number): void {
    this.#newest = Math.max(this.#newest, position);
  }

  get newest(): number {
    return this.#newest;
  }

  get batches(): readonly EventBatch[] {
    return this.#batches;
  }

  read(
    after: number,
    limit: number,
  ): { readonly batches: readonly EventBatch[]; readonly oldest: number; readonly newest: number } {
    const found: EventBatch[] = [];
    let count = 0;
    for (let at = firstIndex(this.#batches, (batch) => endOf(batch) > after); count < limit; at++) {
      const batch = this.#batches[at];
      if (!batch) break;
      found.push(batch);
      count += batch.count;
    }
    return { batches: found, oldest: this.#batches[0]?.position ?? this.#newest + 1, newest: this.#newest };
  }

  /** Deletes a batch as a whole, once its last event may go. */
  prune({ before, keep }: PruneRules['events'], limit: number): number {
    const stays = this.#batches.findIndex((batch) => batch.at >= before && endOf(batch) > this.#newest - keep);
    return this.#batches.splice(0, Math.min(limit, stays < 0 ? this.#batches.length : stays)).length;
  }
}

function endOf({ position, count }: EventBatch): number {
  return position + count - 1;
}
