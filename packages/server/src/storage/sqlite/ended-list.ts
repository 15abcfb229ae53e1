import { type Place, State, type StateMask } from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import { type Cells, integer } from '../cells.ts';
import type { JobQuery } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import { at, statements } from './statements.ts';

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
  for (let from: Place | null = after; from !== null && found.length < most; ) {
    const range: readonly (number | null)[] = [state, from.finishedAt, from.number];
    const left = Math.min(chunk, most - found.length);
    if (queue === undefined && type === undefined) {
      const places: readonly Place[] = sql.allCells(next, ...range, left).map(placeIn);
      found.push(...places);
      from = places.length < left ? null : (places.at(-1) ?? null);
    } else {
      const end = sql.cells(bound, ...range, chunk);
      const last: Place = end
        ? placeIn(end)
        : up
          ? { finishedAt: farthest, number: farthest }
          : { finishedAt: -farthest, number: 0 };
      const filter = [queue ?? null, type ?? null];
      found.push(...sql.allCells(matching, ...range, last.finishedAt, last.number, ...filter, left).map(placeIn));
      from = end ? last : null;
    }
    if (from !== null && found.length < most) await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}

const farthest = Number.MAX_SAFE_INTEGER;

function placeIn(cells: Cells): Place {
  return { number: integer(cells[at.ended.number]), finishedAt: integer(cells[at.ended.finished_at]) };
}
