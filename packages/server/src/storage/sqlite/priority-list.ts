import { compareKeys, goesUp, type JobOrder, readSortCursor, type SortKey } from '@ojs-ts/core/job';
import { Heap } from '@ojs-ts/core/memory';
import { integer } from '../cells.ts';
import type { JobQuery } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import { statements } from './statements.ts';

/** Rows after which other work may run: about 5 ms. */
const turn = 1000;
const mostRows = 500;

interface Ranked extends SortKey {
  readonly number: number;
  readonly type: string;
}

/** The available jobs of one ready queue from a place on. */
interface Source {
  readonly readyQueue: number;
  readonly head: Ranked;
  /** The rows that were read after the head. */
  readonly rows: readonly Ranked[];
  readonly at: number;
  readonly size: number;
}

/**
 * Available jobs of a queue in the order in which they start, or backwards. A queue has a ready queue for each set of
 * limit keys, each in order: they are merged.
 */
export async function byPriority(
  sql: Connection,
  query: JobQuery,
  order: JobOrder,
  wanted: number,
): Promise<readonly Ranked[]> {
  const up = goesUp(order);
  const start = up ? { first: -1e6, second: 0 } : { first: 1e6, second: Number.MAX_SAFE_INTEGER };
  const after = query.after === undefined ? start : readSortCursor(order, query.after);
  const sources = new Heap<Source>((a, b) => (up ? 1 : -1) * compareKeys(a.head, b.head) < 0);
  let read = 0;
  const pause = async (rows: number) => {
    if (Math.floor((read + rows) / turn) > Math.floor(read / turn)) await new Promise((done) => setImmediate(done));
    read += rows;
  };
  const queue = query.queue ?? '';
  for (const cell of sql.values(statements.readyQueuesOf, queue, queue)) {
    const readyQueue = integer(cell);
    const [head] = rowsOf(sql, readyQueue, up, after, 1);
    if (head) sources.push({ readyQueue, head, rows: [], at: 0, size: 1 });
    await pause(1);
  }
  const found: Ranked[] = [];
  for (let source = sources.pop(); source && found.length < wanted; source = sources.pop()) {
    const { readyQueue, head, at, size } = source;
    if (query.type === undefined || head.type === query.type) found.push(head);
    const next = source.rows[at];
    if (next) sources.push({ ...source, head: next, at: at + 1 });
    else {
      const [first, ...rows] = rowsOf(sql, readyQueue, up, head, size);
      if (first) sources.push({ readyQueue, head: first, rows, at: 0, size: Math.min(mostRows, size * 4) });
      await pause(size);
    }
  }
  return found;
}

/** Reads the jobs of the same priority first. */
function rowsOf(sql: Connection, readyQueue: number, up: boolean, after: SortKey, limit: number): readonly Ranked[] {
  const [alike, others] = up
    ? [statements.readyAlikeUp, statements.readyUp]
    : [statements.readyAlikeDown, statements.readyDown];
  const found = sql.all(alike, readyQueue, -after.first, after.second, limit);
  const rest = found.length < limit ? sql.all(others, readyQueue, -after.first, limit - found.length) : [];
  return [...found, ...rest];
}
