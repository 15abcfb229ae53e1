interface Paged {
  readonly after?: string;
  readonly offset?: number;
}

/** Jobs of a list, in order. */
export interface Places<P> {
  readonly all: readonly P[];
  /** The cursor behind one of them; null where there is none, as at -1. */
  cursor(index: number): string | null;
}

export function placesOf<P, Q extends P>(all: readonly Q[], cursorOf: (place: Q) => string): Places<P> {
  return {
    all,
    cursor(index) {
      const place = all[index];
      return place === undefined ? null : cursorOf(place);
    },
  };
}

/** How a storage reads places. */
interface Reads<Q, P> {
  /** The most places that an offset passes in one read; all of them are in memory. */
  readonly step: number;
  /** The first `wanted` places of a list, or behind its cursor. It ignores the offset of the query. */
  readonly find: (query: Q, wanted: number) => Promise<Places<P>>;
}

/**
 * Up to `wanted` places behind the offset or the cursor of a query. Whole steps are passed by cursors: all places
 * before a page behind five million jobs took 0.6 GB in Node on SQLite, and 2 GB on PostgreSQL.
 */
export async function placesBehind<Q extends Paged, P>(
  query: Q,
  wanted: number,
  { step, find }: Reads<Q, P>,
): Promise<Places<P>> {
  let from = query;
  let left = query.after === undefined ? (query.offset ?? 0) : 0;
  for (; left >= step; left -= step) {
    const after = (await find(from, step)).cursor(step - 1);
    if (after === null) return { all: [], cursor: () => null };
    from = { ...from, after };
  }
  const { all, cursor } = await find(from, left + wanted);
  return { all: all.slice(left), cursor: (index) => (index < 0 ? null : cursor(left + index)) };
}
