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

/** Which part of a list. */
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

/** Reads the page that the answer describes. */
export function readPage<T>(body: Wire, query: PageQuery, items: readonly T[]): PageOf<T> {
  const about = wireOf(body.pagination) ?? {};
  return compact({
    items,
    total: numberOf(about.total) ?? numberOf(body.total),
    limit: numberOf(about.limit) ?? query.limit ?? items.length,
    offset: numberOf(about.offset) ?? query.offset ?? 0,
    hasMore: booleanOf(about.has_more) ?? false,
    nextCursor: textOf(about.next_cursor),
  });
}

/** The query of the next page; null after the last one. */
export function nextPage(page: PageOf<unknown>, query: PageQuery): PageQuery | null {
  if (!page.hasMore || page.items.length === 0) return null;
  // Both: a server with cursors prefers the cursor, any other uses the offset.
  return { limit: query.limit, offset: page.offset + page.items.length, cursor: page.nextCursor };
}

export function firstPage({ limit, offset }: PageOptions): PageQuery {
  return { limit, offset, cursor: undefined };
}

/** Loads the page, and the next ones when somebody iterates. */
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
