import { type Place, State, type StateMask } from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import type { JobQuery } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import { type Cells, integer } from './row.ts';
import { statements } from './statements.ts';

/** Entries of the index that one statement passes: about 2 ms. */
const chunk = 20_000;
const endedStates = [State.completed, State.cancelled, State.discarded] as const;

interface From {
  readonly up: boolean;
  readonly after: Place;
  readonly wanted: number;
}

/** The first `wanted` ended jobs of each state in the mask, by the time of their end; not sorted between states. */
export async function endedJobs(
  sql: Connection,
  query: JobQuery,
  mask: StateMask,
  from: From,
  countOf: (state: State) => number,
): Promise<readonly Place[]> {
  let places: readonly Place[] = [];
  for (const state of endedStates) {
    if (isIn(state, mask)) places = places.concat(await inState(sql, query, state, from, countOf(state)));
  }
  return places;
}

/** @param count the number of jobs in the state, and in the queue if the query has one. */
async function inState(
  sql: Connection,
  { queue, type }: JobQuery,
  state: State,
  { up, after, wanted }: From,
  count: number,
): Promise<readonly Place[]> {
  const found: Place[] = [];
  const most = Math.min(wanted, count);
  const [next, bound, matching] = up
    ? [statements.endedUp, statements.endedBoundUp, statements.endedMatchingUp]
    : [statements.endedDown, statements.endedBoundDown, statements.endedMatchingDown];
  for (let at: Place | null = after; at !== null && found.length < most; ) {
    const range: readonly (number | null)[] = [state, at.finishedAt, at.number];
    const left = Math.min(chunk, most - found.length);
    if (queue === undefined && type === undefined) {
      const places: readonly Place[] = sql.all(next, ...range, left).map(placeIn);
      found.push(...places);
      at = places.length < left ? null : (places.at(-1) ?? null);
    } else {
      const end = sql.get(bound, ...range, chunk);
      const last: Place = end
        ? placeIn(end)
        : up
          ? { finishedAt: farthest, number: farthest }
          : { finishedAt: -farthest, number: 0 };
      const filter = [queue ?? null, type ?? null];
      found.push(...sql.all(matching, ...range, last.finishedAt, last.number, ...filter, left).map(placeIn));
      at = end ? last : null;
    }
    if (at !== null && found.length < most) await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}

const farthest = Number.MAX_SAFE_INTEGER;

function placeIn(cells: Cells): Place {
  return { number: integer(cells[0]), finishedAt: integer(cells[1]) };
}
