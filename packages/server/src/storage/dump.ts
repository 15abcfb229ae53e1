import type { Dumped, DumpRecord } from './storage.ts';

/** What a storage does with each kind of record of a dump. */
export type Takers = { readonly [Kind in keyof Dumped]: (record: Dumped[Kind]) => void };

export function take<Kind extends keyof Dumped>(
  takers: Takers,
  { kind, record }: { readonly kind: Kind; readonly record: Dumped[Kind] },
): void {
  takers[kind](record);
}

/** Pieces of a page's size; records may hold an envelope of 1 MiB. */
export function* pagesOf(records: Iterable<DumpRecord>, size = 100): Iterable<readonly DumpRecord[]> {
  let page: DumpRecord[] = [];
  for (const record of records) {
    if (page.push(record) < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** Starts of a limit that one record holds. */
export const startsAtOnce = 500;

/** What a store without an inbox answers to a dump that has something in its own. */
export function withoutInbox(): never {
  throw new Error(
    'The dump holds jobs that transactions enqueued and no server had taken in yet, and this storage has no inbox. Start a server on the other store for a moment and dump it again, or restore into PostgreSQL or SQLite.',
  );
}
