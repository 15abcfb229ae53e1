import { readCursor, wrongCursor } from '@ojs-ts/core/job';
import type { Page } from '../../storage.ts';
import { StoreUnavailable } from '../../unavailable.ts';
import type { Listed } from '../jobs.ts';
import { allSettled } from './fan-out.ts';

/** One of the lists that are merged. */
export interface Source<T> {
  /** Null if there is nothing to come. */
  readonly read: ((after: string | undefined, limit: number) => Promise<Listed<T>>) | null;
}

interface Stream<T> {
  read: Source<T>['read'];
  /** Behind the last item that was taken. */
  after: string | undefined;
  items: readonly T[];
  cursors: readonly string[];
  at: number;
  /** It cannot be read now; the next page begins where it was. */
  away: StoreUnavailable | null;
}

interface Wanted<T> {
  readonly after?: string;
  readonly offset?: number;
  readonly limit: number;
  /** Asked of each item of the page; false ends the page before it. */
  readonly fits?: (item: T) => boolean;
  /**
   * A later item belongs after the last item, so a list that is empty now is read again after the cursor. Default:
   * false.
   */
  readonly grows?: boolean;
  /** Throws for a text that is no cursor of one of the lists. Default: {@link readCursor}. */
  readonly check?: (cursor: string) => unknown;
}

/** Most items that one read asks a shard for. */
const most = 1_000;

/**
 * Merges lists that are each in order. The cursor holds a cursor of each list, so that no item is skipped, however the
 * lists are merged.
 * @param before whether an item of one list comes before one of another.
 * @throws ProtocolError `invalid_request` if the cursor is not of this list.
 */
export async function mergedPage<T>(
  sources: readonly Source<T>[],
  before: (a: T, b: T) => boolean,
  { after, offset = 0, limit, fits = () => true, grows = false, check = readCursor }: Wanted<T>,
): Promise<Page<T>> {
  const starts = after === undefined ? [] : readCursors(after, sources.length, check);
  const streams = sources.map(({ read }, at): Stream<T> => {
    const start = starts[at];
    const after = start === begun || start === ended ? undefined : start;
    return { read: start === ended ? null : read, after, items: [], cursors: [], at: 0, away: null };
  });
  const asked = streams.filter(({ read }) => read !== null);
  let skip = after === undefined ? offset : 0;
  const items: T[] = [];
  let cursor: string | null = null;
  for (;;) {
    await allSettled(streams.map((stream) => refill(stream, Math.min(most, skip + limit - items.length + 1))));
    const [first] = asked;
    if (first?.away && asked.every(({ away }) => away !== null)) throw first.away;
    const next = streams
      .filter(({ at, items }) => at < items.length)
      .reduce<Stream<T> | null>((best, stream) => earlier(best, stream, before), null);
    const item = next?.items[next.at];
    if (next === null || item === undefined) return { items, next: null };
    if (items.length === limit || (skip === 0 && !fits(item)))
      return { items, next: cursor ?? cursorOf(streams, grows) };
    next.after = next.cursors[next.at];
    next.at += 1;
    if (skip > 0) skip -= 1;
    else items.push(item);
    if (items.length === limit) cursor = cursorOf(streams, grows);
  }
}

function earlier<T>(best: Stream<T> | null, stream: Stream<T>, before: (a: T, b: T) => boolean): Stream<T> {
  const [a, b] = [best?.items[best.at], stream.items[stream.at]];
  return best === null || (a !== undefined && b !== undefined && before(b, a)) ? stream : best;
}

async function refill<T>(stream: Stream<T>, limit: number): Promise<void> {
  if (stream.read === null || stream.away !== null || stream.at < stream.items.length) return;
  const { items, cursors } = await stream.read(stream.after, limit).catch((error: unknown) => {
    if (!(error instanceof StoreUnavailable)) throw error;
    stream.away = error;
    return { items: [], cursors: [] };
  });
  stream.items = items;
  stream.cursors = cursors;
  stream.at = 0;
  if (items.length === 0 && stream.away === null) stream.read = null;
}

const begun = '-';
const ended = 'e';

function cursorOf<T>(streams: readonly Stream<T>[], grows: boolean): string {
  return `m${streams.map(({ read, after }) => after ?? (read === null && !grows ? ended : begun)).join('_')}`;
}

function readCursors(text: string, count: number, check: (cursor: string) => unknown): readonly string[] {
  const cursors = text.slice(1).split('_');
  if (text[0] !== 'm' || cursors.length !== count) throw wrongCursor();
  for (const cursor of cursors) if (cursor !== begun && cursor !== ended) check(cursor);
  return cursors;
}
