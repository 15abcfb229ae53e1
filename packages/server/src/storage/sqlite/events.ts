import type { EventBatch } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import { integer, text } from './row.ts';

/** Batches that hold an event after position `after`, up to about `limit` events, and the ends of the log. */
export function events(
  sql: Connection,
  after: number,
  limit: number,
): { readonly batches: readonly EventBatch[]; readonly oldest: number; readonly newest: number } {
  const newest = integer(sql.get('SELECT position FROM ojs_store')?.[0]);
  const oldest = sql.get('SELECT position FROM ojs_events ORDER BY position LIMIT 1')?.[0] ?? newest + 1;
  const batches: EventBatch[] = [];
  let count = 0;
  // The batch that starts at or before `after` may reach beyond it.
  let from = integer(sql.get('SELECT coalesce(max(position), 0) FROM ojs_events WHERE position <= ?', after)?.[0]);
  while (count < limit) {
    const cells = sql.get(
      'SELECT position, at, count, entries FROM ojs_events WHERE position >= ? ORDER BY position LIMIT 1',
      from,
    );
    if (!cells) break;
    const batch = {
      position: integer(cells[0]),
      at: integer(cells[1]),
      count: integer(cells[2]),
      entries: text(cells[3]),
    };
    from = batch.position + batch.count;
    if (from - 1 <= after) continue;
    batches.push(batch);
    count += batch.count;
  }
  return { batches, oldest: integer(oldest), newest };
}
