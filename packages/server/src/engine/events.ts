import { type EventEntry, OjsFault, renderEvent, type WireEvent } from '@ojs-ts/core';
import type { Storage } from '../storage/storage.ts';

export interface EventQuery {
  /** Cursor of a previous answer; absent starts at the oldest event kept. */
  readonly after: string | null;
  /** A trailing `*` matches every kind with that prefix. Empty matches all; filters are combined by AND. */
  readonly types: readonly string[];
  readonly queues: readonly string[];
  readonly jobTypes: readonly string[];
  readonly limit: number;
}

export interface EventPage {
  readonly events: readonly WireEvent[];
  readonly cursor: string;
  readonly hasMore: boolean;
  /** Events between the cursor and the first one kept are gone, or the cursor is not of this log. */
  readonly gap: boolean;
}

/** An answer looks at no more events than this: a filter that matches little goes on from its cursor. */
const scan = 10_000;

/** Polling of the event log (ojs-events §6.4). Positions follow visibility, so a cursor never skips. */
export async function readEvents(storage: Storage, source: string, query: EventQuery): Promise<EventPage> {
  const from = query.after === null || query.after === '' ? 0 : Number(query.after);
  if (!/^\d*$/.test(query.after ?? '') || !Number.isSafeInteger(from)) {
    throw OjsFault.invalid([{ path: 'after', message: 'is not a cursor of this server; expected the cursor of an earlier answer.' }]);
  }
  const matches = matcher(query);
  const seed = await storage.seed();
  const events: WireEvent[] = [];
  let position = from;
  let seen = 0;
  let gap = false;
  for (;;) {
    const { batches, oldest, newest } = await storage.events(position, Math.max(1, Math.min(1_000, scan - seen)));
    if (position > newest) {
      // The cursor is from before the store was emptied or replaced: everything in this one is news.
      position = 0;
      gap = true;
      continue;
    }
    if (seen === 0 && from > 0 && from < oldest - 1) gap = true;
    if (batches.length === 0) return { events, cursor: String(newest), hasMore: false, gap };
    for (const batch of batches) {
      const entries = JSON.parse(batch.entries) as readonly EventEntry[];
      for (const [index, entry] of entries.entries()) {
        if (batch.position + index <= position) continue;
        if (events.length === query.limit || seen === scan) return { events, cursor: String(position), hasMore: true, gap };
        position = batch.position + index;
        seen++;
        if (matches(entry)) events.push(renderEvent(batch, entry, index, source, seed));
      }
    }
  }
}

function matcher({ types, queues, jobTypes }: EventQuery): (entry: EventEntry) => boolean {
  const exact = new Set(types.filter((type) => !type.endsWith('*')));
  const prefixes = types.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1));
  const inQueues = new Set(queues);
  const ofTypes = new Set(jobTypes);
  return ([kind, , type, queue]) =>
    (types.length === 0 || exact.has(kind) || prefixes.some((prefix) => kind.startsWith(prefix))) &&
    (inQueues.size === 0 || inQueues.has(queue)) &&
    (ofTypes.size === 0 || (type !== null && ofTypes.has(type)));
}
