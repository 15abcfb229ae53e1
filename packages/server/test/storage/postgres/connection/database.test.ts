import { expect } from 'vitest';
import { Database } from '../../../../src/storage/postgres/connection/database.ts';
import { readPostgresUrl } from '../../../../src/storage/postgres/connection/url.ts';
import { newSchema, openPostgres, test } from '../schema.ts';

/**
 * Stands still as a process does in which a handler computes: the server's end of the session stays unread meanwhile.
 */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test.each([
  { when: 'before a statement is sent', later: (stop: () => void) => stop() },
  // Its answer and the end of the session are read together then.
  { when: 'while a statement is under way', later: (stop: () => void) => void setImmediate(stop) },
])(
  'a transaction in which the process stood still for too long $when is run again, as if it had never begun',
  async ({ later }) => {
    const url = newSchema();
    await using _layout = await openPostgres(url);
    const database = new Database(readPostgresUrl(url), false, () => {});
    let attempt = 0;
    try {
      await database.transact(0, async (tx) => {
        attempt++;
        await tx.query(`INSERT INTO ojs.workers (worker, seen_at, state, info) VALUES ($1, 0, 'running', '{}')`, [
          `w${attempt}`,
        ]);
        if (attempt > 1) return;
        await tx.script(`SET LOCAL idle_in_transaction_session_timeout = '50ms'`);
        later(() => stall(500));
        await tx.query('SELECT 1');
      });
      expect(await database.query('SELECT worker FROM ojs.workers')).toEqual([['w2']]);
      expect(attempt).toBe(2);
    } finally {
      await database.close();
    }
  },
);
