import pg from 'pg';
import { expect, test } from 'vitest';
import { readPostgresUrl } from '../../../src/storage/postgres/connection/url.ts';
import { postgresStorage } from '../../../src/storage/postgres/postgres.ts';
import { newDatabase, server } from './schema.ts';
import { batch, batches, work } from './workload.ts';

interface Reads {
  readonly table: string;
  readonly scanned: number;
  readonly fetched: number;
}

test.skipIf(server === null)(
  'no hot statement reads other rows, planned on empty tables, without statistics or with stale ones',
  async () => {
    await using database = await newDatabase();
    const url = database.url('ojs');
    const inside = new pg.Client({ connectionString: readPostgresUrl(url).connection });
    await inside.connect();
    await using storage = postgresStorage({ url });
    await storage.migrate();
    await work(storage, 0);
    // From now on statistics say that hardly anything waits or is active, and that all else has ended.
    await inside.query('ANALYZE');
    await work(storage, 100_000);
    await storage[Symbol.asyncDispose]();
    // Connections tell what they have read when they end at the latest.
    const others = 'SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
    while ((await inside.query(others)).rows.length > 0);
    const { rows } = await inside.query<Reads>(
      `SELECT relname AS table, seq_tup_read::int AS scanned, coalesce(idx_tup_fetch, 0)::int AS fetched FROM pg_stat_user_tables WHERE schemaname = 'ojs'`,
    );
    await inside.end();
    const jobs = 2 * batch * batches;
    const calls = 2 * batches * 12;
    const most: Readonly<Record<string, number>> = {
      // Looked up some times in its life each, and never all of them.
      jobs: 15 * jobs,
      ready: 10 * jobs,
      due: 10 * jobs,
      active: 10 * jobs,
      ended: 5 * jobs,
      texts: 5 * jobs,
      limits: 30 * calls,
      lanes: 25 * calls,
      lane_keys: 15 * calls,
      groups: 25 * calls,
      starts: 8 * jobs,
      events: 20 * calls,
    };
    const reads = new Map(rows.map(({ table, scanned, fetched }) => [table, { scanned, fetched }]));
    for (const [table, bound] of Object.entries(most)) {
      const { scanned = 0, fetched = 0 } = reads.get(table) ?? {};
      expect(scanned, `rows of ${table} read without an index`).toBeLessThan(100);
      expect(fetched, `rows of ${table} read`).toBeLessThan(bound);
    }
  },
);
