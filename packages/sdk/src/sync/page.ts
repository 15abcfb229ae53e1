import { nextPage, type PageOf, type PageQuery } from '../operations/page.ts';

/** One page of a list; iterating goes on over the following pages, and blocks for each. */
export interface SyncPage<T> extends PageOf<T>, Iterable<T> {}

/** Asks `load` for the page, and for the next ones when somebody iterates. */
export function openPage<T>(query: PageQuery, load: (query: PageQuery) => PageOf<T>): SyncPage<T> {
  const page = load(query);
  function* all(): Generator<T> {
    yield* page.items;
    for (let [last, next] = [page, nextPage(page, query)]; next !== null; next = nextPage(last, next)) {
      last = load(next);
      yield* last.items;
    }
  }
  return { ...page, [Symbol.iterator]: all };
}
