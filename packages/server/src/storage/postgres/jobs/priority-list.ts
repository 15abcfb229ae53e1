import { goesUp, type JobId, type JobOrder, readSortCursor, type SortKey } from '@ojs-ts/core/job';
import { integer, text } from '../../cells.ts';
import { columns } from '../../columns.ts';
import type { JobQuery } from '../../storage.ts';
import type { Database } from '../connection/database.ts';

export interface Keyed extends SortKey {
  readonly id: JobId;
}

/** The available jobs of a ready queue from a place on: those of the same priority, then the others. */
function following(up: boolean, columns: string, limit: string): string {
  const [behind, other, order] = up ? ['>', '<', 'priority DESC, place'] : ['<', '>', 'priority, place DESC'];
  const rows = (rank: string) => `(SELECT ${columns} FROM ojs.ready
      WHERE ready_queue = one.ready_queue AND ($2::text IS NULL OR type = $2) AND ${rank}
      ORDER BY ${order} LIMIT ${limit})`;
  const same = rows(`priority = $4 AND place ${behind} $5`);
  return `SELECT * FROM (${same} UNION ALL ${rows(`priority ${other} $4`)}) AS rows
    ORDER BY ${order} LIMIT ${limit}`;
}

/**
 * The jobs come from the ready queues with the best $3 first jobs, and of each ready queue only the first $3 can be
 * among them. The ready queues of a queue are its name, and what begins with its name and a line break.
 */
function statementOf(up: boolean): string {
  const order = up ? 'priority DESC, place' : 'priority, place DESC';
  return `WITH RECURSIVE each AS (
      SELECT (SELECT ready_queue FROM ojs.ready WHERE ready_queue >= $1 AND ready_queue < $1 || E'\\x0b'
        ORDER BY ready_queue LIMIT 1) AS ready_queue
      UNION ALL
      SELECT (SELECT ready_queue FROM ojs.ready WHERE ready_queue > each.ready_queue AND ready_queue < $1 || E'\\x0b'
        ORDER BY ready_queue LIMIT 1)
      FROM each WHERE each.ready_queue IS NOT NULL),
    best AS MATERIALIZED (
      SELECT one.ready_queue, head.priority, head.place FROM each AS one CROSS JOIN LATERAL (
        ${following(up, 'priority, place', '1')}) AS head
      WHERE one.ready_queue IS NOT NULL ORDER BY ${order} LIMIT $3)
    SELECT job.id, -job.priority AS first, job.place AS second FROM best AS one CROSS JOIN LATERAL (
      ${following(up, 'id, priority, place', '$3')}) AS job
    ORDER BY ${order.replaceAll(/priority|place/g, 'job.$&')} LIMIT $3`;
}

const keyed = columns({ id: text, first: integer, second: integer });
const statements = { up: keyed.of(statementOf(true)), down: keyed.of(statementOf(false)) } as const;
const outside = 1_000_000;

/** Available jobs of a queue in the order in which they start, or backwards. */
export async function byPriority(
  database: Database,
  query: JobQuery,
  order: JobOrder,
  wanted: number,
): Promise<readonly Keyed[]> {
  const up = goesUp(order);
  const start = up ? { first: -outside, second: 0 } : { first: outside, second: Number.MAX_SAFE_INTEGER };
  const { first, second } = query.after === undefined ? start : readSortCursor(order, query.after);
  const values = [query.queue ?? '', query.type ?? null, wanted, -first, second];
  return database.all(up ? statements.up : statements.down, values);
}
