import type { Millis } from '@ojs-ts/core';
import {
  type EventEntry,
  type EventKind,
  eventKinds,
  jobTypeOf,
  readEntries,
  renderEvent,
  type WireEvent,
} from '@ojs-ts/core/events';
import type { Storage } from '../../storage/storage.ts';
import { cursorOf, cursorText, timeAt } from './cursors.ts';

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

/**
 * Returns a check whether a kind is one of `types`; a trailing `*` matches every kind with that prefix (ojs-events
 * §6.1).
 */
export function kindMatcher(types: readonly string[]): (kind: string) => boolean {
  const exact = new Set(types.filter((type) => !type.endsWith('*')));
  const prefixes = types.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1));
  return (kind) => exact.has(kind) || prefixes.some((prefix) => kind.startsWith(prefix));
}

export function matcher({ types, queues, jobTypes }: EventQuery): (entry: EventEntry) => boolean {
  const ofKind = kindMatcher(types);
  const inQueues = new Set(queues);
  const ofTypes = new Set(jobTypes);
  return (entry) =>
    (types.length === 0 || ofKind(entry[0])) &&
    (inQueues.size === 0 || inQueues.has(entry[3])) &&
    (ofTypes.size === 0 || ofTypes.has(jobTypeOf(entry) ?? ''));
}
