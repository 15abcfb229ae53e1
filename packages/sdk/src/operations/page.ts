import type { NamesOf } from '@ojs-ts/core';
import { type CallOptions, callNames } from '../job/options.ts';
import { booleanOf, compact, numberOf, textOf, type Wire, wireOf } from '../json.ts';

/** One page of a list. */
export interface PageOf<T> {
  readonly items: readonly T[];
  readonly total?: number;
  readonly limit: number;
  readonly offset: number;
  readonly hasMore: boolean;
  readonly nextCursor?: string;
}

/** One page of a list. Iterating over it reads the following pages too. */
export interface Page<T> extends PageOf<T>, AsyncIterable<T> {}

/** Selects a part of a list. */
export interface PageOptions extends CallOptions {
  /** Items of a page. Default: the setting of the server. */
  limit?: number | undefined;
  /** Items before the page. Default: 0. */
  offset?: number | undefined;
}

export const pageNames: NamesOf<PageOptions> = { ...callNames, limit: true, offset: true };

export interface PageQuery {
  readonly limit: number | undefined;
  readonly offset: number | undefined;
  readonly cursor: string | undefined;
}

/**
 * Reads the page that the answer describes. A server may say only `{total, page, per_page}` (ojs-admin-api §6.1): then
 * the rest follows from them.
 */
export function readPage<T>(body: Wire, query: PageQuery, items: readonly T[]): PageOf<T> {
  const about = wireOf(body.pagination) ?? {};
  const total = numberOf(about.total) ?? numberOf(body.total);
  const length = numberOf(about.limit) ?? numberOf(about.per_page);
  const page = numberOf(about.page);
  const offset =
    numberOf(about.offset) ??
    (page !== undefined && length !== undefined ? Math.max(0, page - 1) * length : (query.offset ?? 0));
  const nextCursor = textOf(about.next_cursor);
  // A server that answers a page before the asked one does not page: it would answer the same for ever.
  const isBehind = offset >= (query.offset ?? 0) && (total ?? 0) > offset + items.length;
  return compact({
    items,
    total,
    limit: length ?? query.limit ?? items.length,
    offset,
    hasMore: booleanOf(about.has_more) ?? (nextCursor !== undefined || isBehind),
    nextCursor,
  });
}

/** The query of the next page; null after the last one. */
export function nextPage(page: PageOf<unknown>, query: PageQuery): PageQuery | null {
  // A server that filters while it reads may answer an empty page: its cursor continues after the last item read.
  const isStuck = page.items.length === 0 && (page.nextCursor === undefined || page.nextCursor === query.cursor);
  if (!page.hasMore || isStuck) return null;
  // The length that the server gave the page: it may allow less than what was asked for.
  const limit = page.limit > 0 ? page.limit : query.limit;
  // Both: a server with cursors prefers the cursor, any other uses the offset.
  return { limit, offset: page.offset + page.items.length, cursor: page.nextCursor };
}

/**
 * The query for lists of ojs-admin-api, which has `page` and `per_page` (§7.1): they say the same as `limit` and
 * `offset`, where these are whole pages.
 */
export function adminQuery(query: PageQuery): Readonly<Record<string, string | number | undefined>> {
  const { limit, offset = 0 } = query;
  if (limit === undefined || limit < 1 || offset % limit !== 0) return { ...query };
  return { ...query, page: offset / limit + 1, per_page: limit };
}

export function firstPage({ limit, offset }: PageOptions): PageQuery {
  return { limit, offset, cursor: undefined };
}

/** Loads the page, and the next ones during iteration. */
export async function openPage<T>(query: PageQuery, load: (query: PageQuery) => Promise<PageOf<T>>): Promise<Page<T>> {
  const page = await load(query);
  async function* all(): AsyncGenerator<T> {
    yield* page.items;
    for (let [last, next] = [page, nextPage(page, query)]; next !== null; next = nextPage(last, next)) {
      last = await load(next);
      yield* last.items;
    }
  }
  return { ...page, [Symbol.asyncIterator]: all };
}
