import {
  type EventEntry,
  jobTypeOf,
  ProtocolError,
  readEntries,
  readEventId,
  renderEvent,
  type WireEvent,
} from '@ojs-ts/core';
import type { Storage } from '../../storage/storage.ts';

export interface EventQuery {
  /** Cursor of a previous answer, or the id of an event; absent starts at the oldest event kept. */
  readonly after: string | null;
  /** A trailing `*` matches every kind with that prefix. An empty list matches all; filters are combined by AND. */
  readonly types: readonly string[];
  readonly queues: readonly string[];
  readonly jobTypes: readonly string[];
  readonly limit: number;
}

export interface EventPage {
  readonly events: readonly WireEvent[];
  readonly cursor: string;
  readonly hasMore: boolean;
  /** Events between the cursor and the first one kept are gone, or the cursor belongs to another log. */
  readonly gap: boolean;
}

/** The most events that one answer reads: a filter with few matches continues from its cursor. */
const scan = 10_000;

/** Polling of the event log (ojs-events §6.4). Positions follow visibility, so a cursor never skips. */
export async function readEvents(storage: Storage, source: string, query: EventQuery): Promise<EventPage> {
  const matches = matcher(query);
  const seed = await storage.seed();
  const cursor = query.after === null || query.after === '' ? 0 : readCursor(query.after, seed);
  if (cursor === null) {
    throw ProtocolError.invalid([
      {
        path: 'after',
        message: 'is not a cursor of this server; expected the cursor of an earlier answer, or the id of an event.',
      },
    ]);
  }
  const from = cursor === 'foreign' ? 0 : cursor;
  const events: WireEvent[] = [];
  let position = from;
  let seen = 0;
  let gap = cursor === 'foreign';
  for (;;) {
    const { batches, oldest, newest } = await storage.events(position, Math.max(1, Math.min(1_000, scan - seen)));
    if (position > newest) {
      // The cursor is older than an emptied or replaced store: every event of this one is new.
      position = 0;
      gap = true;
      continue;
    }
    if (seen === 0 && from > 0 && from < oldest - 1) gap = true;
    if (batches.length === 0) return { events, cursor: String(newest), hasMore: false, gap };
    for (const batch of batches) {
      for (const [index, entry] of readEntries(batch.entries).entries()) {
        if (batch.position + index <= position) continue;
        if (events.length === query.limit || seen === scan)
          return { events, cursor: String(position), hasMore: true, gap };
        position = batch.position + index;
        seen++;
        if (matches(entry)) events.push(renderEvent(batch, entry, index, source, seed));
      }
    }
  }
}

/** The position of a cursor or an event id; `foreign` for an event of another store, null for any other text. */
export function readCursor(text: string, seed: number): number | 'foreign' | null {
  const event = readEventId(text);
  if (event !== null) return event.seed === seed ? event.position : 'foreign';
  const position = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(position) ? position : null;
}

/** Whether a kind is one of `types`; a trailing `*` matches every kind with that prefix (ojs-events §6.1). */
export function kindMatcher(types: readonly string[]): (kind: string) => boolean {
  const exact = new Set(types.filter((type) => !type.endsWith('*')));
  const prefixes = types.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1));
  return (kind) => exact.has(kind) || prefixes.some((prefix) => kind.startsWith(prefix));
}

function matcher({ types, queues, jobTypes }: EventQuery): (entry: EventEntry) => boolean {
  const ofKind = kindMatcher(types);
  const inQueues = new Set(queues);
  const ofTypes = new Set(jobTypes);
  return (entry) =>
    (types.length === 0 || ofKind(entry[0])) &&
    (inQueues.size === 0 || inQueues.has(entry[3])) &&
    (ofTypes.size === 0 || ofTypes.has(jobTypeOf(entry) ?? ''));
}
