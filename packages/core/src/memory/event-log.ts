import type { Millis } from '@ojs-ts/core';
import { type EventBatch, type EventKind, indexedOnly, kindsIn, type NewBatch } from '@ojs-ts/core/events';
import { firstIndex } from '@ojs-ts/core/lifecycle';
import type { EventsRead } from '../events/events.ts';
import type { KeepRule } from '../store/prune.ts';

interface Logged {
  readonly batch: EventBatch;
  readonly kinds: readonly EventKind[];
}

/** The event log: one batch for each call. */
export class EventLog {
  readonly #batches: Logged[] = [];
  #newest = 0;

  append({ count, entries, kinds }: NewBatch, at: Millis): void {
    this.#batches.push({ batch: { position: this.#newest + 1, at, count, entries }, kinds });
    this.#newest += count;
  }

  /** Adds a batch of a dump. */
  load(batch: EventBatch): void {
    this.#batches.push({ batch, kinds: kindsIn(batch.entries) });
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
    return this.#batches.map(({ batch }) => batch);
  }

  after(position: number, limit: number, kinds?: readonly EventKind[]): EventsRead {
    const first = firstIndex(this.#batches, ({ batch }) => endOf(batch) > position);
    const { batches, isCut } = this.#read(first, 1, limit, kinds);
    const last = batches.at(-1);
    const reached = isCut ? (last ? endOf(last) : position) : this.#newest;
    return { batches, ...this.#ends(), reached };
  }

  before(position: number, limit: number, kinds?: readonly EventKind[]): EventsRead {
    const first = firstIndex(this.#batches, ({ batch }) => batch.position >= position) - 1;
    const { batches, isCut } = this.#read(first, -1, limit, kinds);
    const ends = this.#ends();
    return { batches, ...ends, reached: isCut ? (batches.at(-1)?.position ?? position) : ends.oldest };
  }

  /** Deletes a batch as a whole, once its last event may go. */
  prune({ before, keep }: KeepRule, limit: number): number {
    const stays = this.#batches.findIndex(({ batch }) => batch.at >= before && endOf(batch) > this.#newest - keep);
    return this.#batches.splice(0, Math.min(limit, stays < 0 ? this.#batches.length : stays)).length;
  }

  #read(
    first: number,
    step: 1 | -1,
    limit: number,
    kinds?: readonly EventKind[],
  ): { readonly batches: readonly EventBatch[]; readonly isCut: boolean } {
    const wanted = indexedOnly(kinds);
    const found: EventBatch[] = [];
    let count = 0;
    for (let at = first; count < limit; at += step) {
      const logged = this.#batches[at];
      if (!logged) return { batches: found, isCut: false };
      if (wanted !== null && !logged.kinds.some((kind) => wanted.includes(kind))) continue;
      found.push(logged.batch);
      count += logged.batch.count;
    }
    return { batches: found, isCut: true };
  }

  #ends(): Pick<EventsRead, 'oldest' | 'newest'> {
    return { oldest: this.#batches[0]?.batch.position ?? this.#newest + 1, newest: this.#newest };
  }
}

function endOf({ position, count }: EventBatch): number {
  return position + count - 1;
}
