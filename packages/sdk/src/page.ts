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

export interface PageOptions extends CallOptions {
  limit?: number;
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
  const read = async (asked: PageQuery) => pageIn(await load(asked), asked, items);
  const page = await read(query);
  async function* all(): AsyncGenerator<T> {
    for (let at = page; ; ) {
      yield* at.items;
      if (!at.hasMore || at.items.length === 0) return;
      // Both: a server that knows cursors lets them win, one that does not goes by the offset.
      at = await read({ limit: query.limit, offset: at.offset + at.items.length, cursor: at.nextCursor });
    }
  }
  return { ...page, [Symbol.asyncIterator]: all };
}

function pageIn<T>(body: Wire, query: PageQuery, items: (body: Wire) => T[]): Omit<Page<T>, typeof Symbol.asyncIterator> {
  const about = wireOf(body.pagination) ?? {};
  const list = items(body);
  return compact({
    items: list,
    total: numberOf(about.total) ?? numberOf(body.total),
    limit: numberOf(about.limit) ?? query.limit ?? list.length,
    offset: numberOf(about.offset) ?? query.offset ?? 0,
    hasMore: booleanOf(about.has_more) ?? false,
    nextCursor: textOf(about.next_cursor),
  });
}
