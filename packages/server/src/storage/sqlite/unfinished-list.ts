import type { StateMask } from '@ojs-ts/core/job';
import { integer, integerOrNull } from '../cells.ts';
import type { JobQuery } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import { segmentOf, segmentsWithout, startOf } from './segments.ts';
import { statements } from './statements.ts';

interface From {
  readonly up: boolean;
  /** The list begins behind this number. */
  readonly after: number;
  readonly wanted: number;
}

/**
 * The numbers of the first `wanted` jobs in one of the states, in order. One statement reads a segment of the table,
 * about 2 ms; those without a job of the queue or type are left out.
 */
export async function unfinishedJobs(
  sql: Connection,
  { queue, type }: JobQuery,
  mask: StateMask,
  { up, after, wanted }: From,
): Promise<readonly number[]> {
  const [next, matching] = up
    ? [statements.numberAbove, statements.matchingUp]
    : [statements.numberBelow, statements.matchingDown];
  const without = segmentsWithout(sql, { queue, type });
  const found: number[] = [];
  for (let at = after; ; ) {
    const number = integerOrNull(sql.value(next, at));
    if (number === null) return found;
    const segment = segmentOf(number);
    if (!without.has(segment)) {
      const bound = up ? startOf(segment + 1) : startOf(segment);
      const numbers = sql.values(matching, at, bound, mask, queue ?? null, type ?? null, wanted - found.length);
      found.push(...numbers.map(integer));
      if (found.length >= wanted) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
    at = up ? startOf(segment + 1) - 1 : startOf(segment);
  }
}
