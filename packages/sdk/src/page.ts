import { booleanOf, compact, numberOf, textOf, type Wire, wireOf } from './json.ts';
import type { CallOptions } from './options.ts';

/** One page of a list; iterating goes on over the following pages. */
export interface Page<T> extends AsyncIterable<T> {
  readonly items: readonly T[];
  readonly total?: number;
  readonly limit: number;
  readonly offset: number;
  readonly hasMore: boolean;
  readonly nextCursor?: string;
}

/** Which part of a list. */
export interface PageOptions extends CallOptions {
  /** Items of a page; default: the server's. */
  limit?: number;
  /** Items before the page; default 0. */
  offset?: number;
}

export interface PageQuery {
  readonly limit: number | undefined;
  readonly offset: number | undefined;
  readonly cursor: string | undefined;
}

/** Asks `load` for the page, and for the next ones when somebody iterates; `items` finds the list in an answer. */
export async function readPage<T>(
  query: PageQuery,
  load: (query: PageQuery) => Promise<Wire>,
  items: (body: Wire) => T[],
): Promise<Page<T>> {
  const body = await load(query);
  const about = wireOf(body.pagination) ?? {};
  const list = items(body);
  const page = compact({
    items: list,
    total: numberOf(about.total) ?? numberOf(body.total),
    limit: numberOf(about.limit) ?? query.limit ?? list.length,
    offset: numberOf(about.offset) ?? query.offset ?? 0,
    hasMore: booleanOf(about.has_more) ?? false,
    nextCursor: textOf(about.next_cursor),
  });
  async function* all(): AsyncGenerator<T> {
    yield* list;
    if (!page.hasMore || list.length === 0) return;
    // Both: a server that knows cursors lets them win, one that does not goes by the offset.
    const next = { offset: page.offset + list.length, cursor: page.nextCursor };
    yield* await readPage({ limit: query.limit, ...next }, load, items);
  }
  return { ...page, [Symbol.asyncIterator]: all };
}
