import type { Dumped, DumpRecord } from './storage.ts';

/** The functions of a storage for each kind of record of a dump. */
export type Takers = { readonly [Kind in keyof Dumped]: (record: Dumped[Kind]) => void };

export function take<Kind extends keyof Dumped>(
  takers: Takers,
  { kind, record }: { readonly kind: Kind; readonly record: Dumped[Kind] },
): void {
  takers[kind](record);
}

/** Pages of this size; records may have an envelope of 1 MiB. */
export function* pagesOf(records: Iterable<DumpRecord>, size = 100): Iterable<readonly DumpRecord[]> {
  let page: DumpRecord[] = [];
  for (const record of records) {
    if (page.push(record) < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** The most starts of a limit in one record. */
export const startsAtOnce = 500;

/** Refuses rows of an inbox in a storage without one. */
export function withoutInbox(): never {
  throw new Error(
    'The dump has jobs that transactions enqueued and no server has imported yet, and this storage has no inbox. ' +
      'Start a server on the other store, wait a moment and dump it again, or restore into PostgreSQL or SQLite.',
  );
}
