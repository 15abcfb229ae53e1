import type { JobRecord } from './job.ts';
import { comparePlaces, cursorOf, placeOf, readCursor, wrongCursor } from './places.ts';
import { State, type StateMask } from './states.ts';

/**
 * The order of a job list. `created`: unfinished jobs by creation, finished ones by their end, as `Place` says. `due`:
 * by the time for which scheduled and retryable jobs wait. `priority`: the available jobs of a queue; `desc` is the
 * order in which they start.
 */
export interface JobOrder {
  readonly by: 'created' | 'due' | 'priority';
  readonly direction: 'asc' | 'desc';
}

export const newestFirst: JobOrder = { by: 'created', direction: 'desc' };

export function isSameOrder(a: JobOrder, b: JobOrder): boolean {
  return a.by === b.by && a.direction === b.direction;
}

/**
 * Reports whether the list goes up by {@link SortKey}: in a list by priority, the job that starts first has the lowest.
 */
export function goesUp({ by, direction }: JobOrder): boolean {
  return (direction === 'asc') !== (by === 'priority');
}

/** The place of a job in a list by start time or priority. Both numbers grow with the time of the start. */
export interface SortKey {
  readonly first: number;
  /** Among those with the same first number: of creation, or the place in the queue. */
  readonly second: number;
}

export function compareKeys(a: SortKey, b: SortKey): number {
  return a.first - b.first || a.second - b.second;
}

export function sortCursor({ by }: JobOrder, { first, second }: SortKey): string {
  return `${by === 'due' ? 'd' : 'p'}${first}.${second}`;
}

/** @throws ProtocolError `invalid_request` if the text is no cursor of a list in this order. */
export function readSortCursor({ by }: JobOrder, cursor: string): SortKey {
  const match = /^([dp])(-?\d{1,16})\.(\d{1,16})$/.exec(cursor);
  if (!match || match[1] !== (by === 'due' ? 'd' : 'p')) throw wrongCursor();
  return { first: Number(match[2]), second: Number(match[3]) };
}

export const dueStates: StateMask = State.scheduled | State.retryable;

/** A job of a store that sorts what it has. */
export interface Sortable {
  /** Order of creation. */
  readonly number: number;
  /** Place in the queue, while the job is available. */
  readonly order: number;
  readonly job: JobRecord;
}

export interface Sorting {
  readonly compare: (a: Sortable, b: Sortable) => number;
  readonly cursor: (row: Sortable) => string;
  /** Returns a check whether a job comes after the cursor. @throws ProtocolError `invalid_request` */
  readonly behind: (cursor: string) => (row: Sortable) => boolean;
}

export function sorting(order: JobOrder): Sorting {
  const { by, direction } = order;
  if (by === 'created')
    return sortedBy(({ job, number }) => placeOf(job, number), {
      compare: comparePlaces,
      sign: direction === 'desc' ? 1 : -1,
      write: cursorOf,
      read: readCursor,
    });
  return sortedBy(
    ({ job, number, order }): SortKey =>
      by === 'due' ? { first: job.runAt, second: number } : { first: -job.priority, second: order },
    {
      compare: compareKeys,
      sign: goesUp(order) ? 1 : -1,
      write: (key) => sortCursor(order, key),
      read: (cursor) => readSortCursor(order, cursor),
    },
  );
}

function sortedBy<P>(
  of: (row: Sortable) => P,
  parts: {
    readonly compare: (a: P, b: P) => number;
    readonly sign: 1 | -1;
    readonly write: (place: P) => string;
    readonly read: (cursor: string) => P;
  },
): Sorting {
  const { compare, sign, write, read } = parts;
  return {
    compare: (a, b) => sign * compare(of(a), of(b)),
    cursor: (row) => write(of(row)),
    behind: (cursor) => {
      const place = read(cursor);
      return (row) => sign * compare(of(row), place) > 0;
    },
  };
}

/** Reports whether `a` comes before `b`, of two lists in the order that were filled by different stores. */
export function isStartBefore({ by, direction }: JobOrder, a: JobRecord, b: JobRecord): boolean {
  const ahead = by === 'due' ? a.runAt - b.runAt : a.priority - b.priority;
  return direction === 'asc' ? ahead < 0 : ahead > 0;
}
