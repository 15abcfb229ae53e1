import type { Millis } from '@ojs-ts/core';
import {
  type EventFilter,
  type EventKind,
  eventKinds,
  kindMatcher,
  matcher,
  readEntries,
  renderEvent,
  type WireEvent,
} from '@ojs-ts/core/events';
import type { Storage } from '../../storage/storage.ts';
import { cursorOf, cursorText, timeAt } from './cursors.ts';

export interface EventQuery extends EventFilter {
  /** Cursor of a previous answer, or the id of an event; absent starts at the oldest event kept. */
  readonly after: string | null;
  readonly limit: number;
}

export interface EventPage {
  readonly events: readonly WireEvent[];
  readonly cursor: string;
  readonly hasMore: boolean;
  /**
   * Events between the cursor and the first one kept are gone, or the log has no such event: it is another one, or its
   * store went back.
   */
  readonly gap: boolean;
}

/** Events of one read: about 1 ms of parsing. */
export const page = 1_000;
/** The most events that one answer reads: a filter with few matches continues from its cursor. */
export const scan = 10_000;
/** Reads of the storage for one answer: each one looks at a bounded part of the log. */
export const maxReads = 20;

/** Polling of the event log (ojs-events §6.4). Positions follow visibility, so a cursor never skips. */
export async function readEvents(storage: Storage, source: string, query: EventQuery): Promise<EventPage> {
  const seed = await storage.seed();
  const cursor = (await cursorOf(storage, query.after)) ?? 0;
  const kinds = kindsOf(query.types);
  const matches = matcher(query);
  const from = cursor === 'foreign' ? 0 : cursor;
  const events: WireEvent[] = [];
  let position = from;
  /** When the event at `position` was written. */
  let at: Millis | null = null;
  let seen = 0;
  let gap = cursor === 'foreign';
  for (let reads = 1; ; reads++) {
    const size = Math.max(1, Math.min(page, scan - seen));
    const { batches, oldest, newest, reached } = await storage.events(position, size, kinds);
    if (position > newest) {
      // The cursor is older than an emptied or replaced store: every event of this one is new.
      position = 0;
      at = null;
      gap = true;
      continue;
    }
    if (seen === 0 && from > 0 && from < oldest - 1) gap = true;
    for (const batch of batches) {
      for (const [index, entry] of readEntries(batch.entries).entries()) {
        if (batch.position + index <= position) continue;
        if (events.length === query.limit || seen === scan)
          return { events, cursor: cursorText(position, at), hasMore: true, gap };
        position = batch.position + index;
        at = batch.at;
        seen++;
        if (matches(entry)) events.push(renderEvent(batch, entry, index, source, seed));
      }
    }
    if (reached > position) [position, at] = [reached, null];
    const hasMore = position < newest;
    if (!hasMore || reads === maxReads)
      return { events, cursor: cursorText(position, at ?? (await timeAt(storage, position))), hasMore, gap };
  }
}

/** The kinds that `types` match; undefined where these are all. */
export function kindsOf(types: readonly string[]): readonly EventKind[] | undefined {
  return types.length === 0 ? undefined : eventKinds.filter(kindMatcher(types));
}
