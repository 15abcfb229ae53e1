import type { Millis } from '@ojs-ts/core';
import type { Dumped, DumpRecord, StoreOwn } from './storage.ts';

/** The functions of a storage for each kind of record of a dump. */
export type Takers = { readonly [Kind in keyof Dumped]: (record: Dumped[Kind]) => void };

export function take<Kind extends keyof Dumped>(
  takers: Takers,
  { kind, record }: { readonly kind: Kind; readonly record: Dumped[Kind] },
): void {
  takers[kind](record);
}

/** Pages of this size; records may have an envelope of 1 MiB. */
export function* pagesOf<T>(items: Iterable<T>, size = 100): Iterable<readonly T[]> {
  let page: T[] = [];
  for (const item of items) {
    if (page.push(item) < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** The values that a store has beside its rows, gathered from the records of a dump. */
export class Newest {
  own: StoreOwn = { seed: 0, leaseKey: '' };
  position = 0;
  lastStart = 0;
  /** The largest number of a job, and of a workflow. */
  job = 0;
  workflow = 0;
  place = 0;

  note(one: DumpRecord): void {
    if (one.kind === 'store') {
      const { seed, leaseKey, position, lastStart } = one.record;
      this.own = { seed, leaseKey };
      this.position = Math.max(this.position, position);
      this.lastStart = lastStart;
    } else if (one.kind === 'events') {
      this.position = Math.max(this.position, one.record.position + one.record.count - 1);
    } else if (one.kind === 'workflow') {
      this.workflow = Math.max(this.workflow, one.record.number);
    } else if (one.kind === 'job') {
      this.job = Math.max(this.job, one.record.number);
      this.place = Math.max(this.place, one.record.place ?? 0);
    }
  }
}

/** Some hundred starts a record. */
export function startsOf(key: string, starts: readonly Millis[]): readonly DumpRecord<'starts'>[] {
  return [...pagesOf(starts, 500)].map((at) => ({ kind: 'starts', record: { key, at } }));
}

export function notEmpty(name: string): Error {
  return new Error(`${name} is not empty; restore a dump into an empty store.`);
}

/** Refuses rows of an inbox in a storage without one. */
export function withoutInbox(): never {
  throw new Error(
    'The dump has jobs that transactions enqueued and no server has imported yet, and this storage has no inbox. ' +
      'Start a server on the other store, wait a moment and dump it again, or restore into PostgreSQL or SQLite.',
  );
}
