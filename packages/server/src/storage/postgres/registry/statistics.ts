import { integer, text } from '../../cells.ts';
import type { MinuteRecord, Registry } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import type { Cells } from '../connection/sql.ts';

const sums = ['enqueued', 'started', 'completed', 'failed', 'discarded', 'duration_ms', 'wait_ms']
  .map((name) => `sum(${name})::bigint`)
  .join(', ');

export function statistics(database: Database): Pick<Registry, 'statistics'> {
  return {
    async statistics(since, until = Number.MAX_SAFE_INTEGER) {
      const rows = await database.read(
        `SELECT minute, queue, ${sums} FROM ojs.minutes WHERE minute >= $1 AND minute < $2 GROUP BY minute, queue
          ORDER BY minute, queue`,
        [since, until],
      );
      return rows.map(readMinute);
    },
  };
}

export function readMinute(cells: Cells): MinuteRecord {
  return {
    minute: integer(cells[0]),
    queue: text(cells[1]),
    enqueued: integer(cells[2]),
    started: integer(cells[3]),
    completed: integer(cells[4]),
    failed: integer(cells[5]),
    discarded: integer(cells[6]),
    durationMs: integer(cells[7]),
    waitMs: integer(cells[8]),
  };
}
