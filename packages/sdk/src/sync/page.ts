import { nextPage, type PageOf, type PageQuery } from '../operations/page.ts';

/** One page of a list. Iterating blocks while it loads the following pages. */
export interface SyncPage<T> extends PageOf<T>, Iterable<T> {}

/** Loads the page, and the following ones on iteration. */
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
