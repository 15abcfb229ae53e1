/** Places that one step passes: about 2 MB of them in Node. */
const step = 10_000;

interface Paged {
  readonly after?: string;
  readonly offset?: number;
}

/** Jobs of a list, in order. */
export interface Places<P> {
  readonly all: readonly P[];
  /** The cursor behind one of them; null where there is none. */
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

/**
 * The query with a cursor in place of its offset; null where no job is behind the offset. All places before a page
 * behind five million jobs took 0.6 GB in Node, so they are passed in steps.
 * @param find The first `wanted` places that a query lists.
 */
export async function passOffset<Q extends Paged, P>(
  query: Q,
  find: (query: Q, wanted: number) => Promise<Places<P>>,
): Promise<Q | null> {
  let from = query;
  for (let left = query.after === undefined ? (query.offset ?? 0) : 0; left > 0; left -= step) {
    const wanted = Math.min(step, left);
    const after = (await find(from, wanted)).cursor(wanted - 1);
    if (after === null) return null;
    from = { ...from, after };
  }
  return from;
}
