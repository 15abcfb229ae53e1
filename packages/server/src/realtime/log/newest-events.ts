import { matcher, readEntries, renderEvent, type WireEvent } from '@ojs-ts/core/events';
import type { Storage } from '../../storage/storage.ts';
import { cursorOf, cursorText, has } from './cursors.ts';
import { type EventPage, type EventQuery, kindsOf, maxReads, page, scan } from './events.ts';

export interface NewestPage extends EventPage {
  /** The end of the log at the first read: polling continues there. */
  readonly newest: string;
}

/** The event log backwards: the newest events that match, or those before the cursor. */
export async function readNewestEvents(storage: Storage, source: string, query: EventQuery): Promise<NewestPage> {
  const { limit, types } = query;
  const kinds = kindsOf(types);
  const matches = matcher(query);
  const seed = await storage.seed();
  const cursor = await cursorOf(storage, query.after);
  const gap = cursor === 'foreign';
  const events: WireEvent[] = [];
  let before = gap || cursor === null ? Number.MAX_SAFE_INTEGER : cursor;
  let end: string | undefined;
  let seen = 0;
  for (let reads = 1; ; reads++) {
    const size = Math.max(1, Math.min(page, scan - seen));
    const { batches, oldest, newest, reached } = await storage.eventsBefore(before, size, kinds);
    end ??= cursorText(newest, batches.find((batch) => has(batch, newest))?.at ?? null);
    for (const batch of batches) {
      const entries = readEntries(batch.entries);
      for (let index = entries.length - 1; index >= 0; index--) {
        const entry = entries[index];
        if (entry === undefined || batch.position + index >= before) continue;
        if (events.length === limit || seen === scan)
          return { events, cursor: String(before), hasMore: true, gap, newest: end };
        before = batch.position + index;
        seen++;
        if (matches(entry)) events.push(renderEvent(batch, entry, index, source, seed));
      }
    }
    before = Math.min(before, reached);
    const hasMore = before > oldest;
    if (!hasMore || reads === maxReads) return { events, cursor: String(before), hasMore, gap, newest: end };
  }
}
