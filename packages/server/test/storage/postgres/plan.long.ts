import { State, Terminal, Waiting } from '@ojs-ts/core/job';
import { completed } from '@ojs-ts/core/lifecycle';
import pg from 'pg';
import { expect } from 'vitest';
import { readPostgresUrl } from '../../../src/storage/postgres/connection/url.ts';
import { postgresStorage } from '../../../src/storage/postgres/postgres.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { claimOf, idOf, newJob, t0, to } from '../suite/tools.ts';
import { newDatabase, test } from './schema.ts';
import { batch, batches, work } from './workload.ts';

interface Reads {
  readonly table: string;
  readonly scanned: number;
  readonly fetched: number;
}

test('no hot statement reads other rows, planned on empty tables, without statistics or with stale ones', async () => {
  await using database = await newDatabase();
  const url = database.url('ojs');
  const inside = new pg.Client({ connectionString: readPostgresUrl(url).targets[0] });
  await inside.connect();
  await using storage = postgresStorage({ url });
  await storage.migrate();
  await work(storage, 0);
  // From now on statistics say that hardly anything waits or is active, and that all else has ended.
  await inside.query('ANALYZE');
  await work(storage, 100_000);
  await storage[Symbol.asyncDispose]();
  await ended(inside, 'ojs ojs');
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
    limit_groups: 25 * calls,
    limit_group_keys: 15 * calls,
    waitlists: 25 * calls,
    starts: 8 * jobs,
    events: 20 * calls,
  };
  const reads = new Map(rows.map(({ table, scanned, fetched }) => [table, { scanned, fetched }]));
  for (const [table, bound] of Object.entries(most)) {
    const { scanned = 0, fetched = 0 } = reads.get(table) ?? {};
    expect(scanned, `rows of ${table} read without an index`).toBeLessThan(100);
    expect(fetched, `rows of ${table} read`).toBeLessThan(bound);
  }
});

const many = 20_000;

/** Ends the jobs from `first` on, and schedules as many others. */
async function fill(storage: Storage, first: number, count: number): Promise<void> {
  for (let at = first; at < first + count; at += 500) {
    const numbers = Array.from({ length: Math.min(500, first + count - at) }, (_, n) => at + n);
    await storage.jobs.insert(
      numbers.map((n) => [newJob(n), newJob(many + n, { state: State.scheduled, runAt: t0 + 1e9 })]),
      t0,
    );
    const [claimed] = await storage.jobs.claim([claimOf({ limit: 500 })], t0 + 5);
    const ends = (claimed?.jobs ?? []).map(({ id, claim }) => completed({ id, claim, result: '{}' }));
    await storage.jobs.transition(ends, t0 + 6);
  }
}

/** Reads, restarts, cancels and removes single jobs of {@link fill}. */
async function change(storage: Storage, first: number, count: number): Promise<void> {
  for (let n = first; n < first + count; n++) {
    const [ends, waits] = [idOf(n), idOf(many + n)];
    await storage.jobs.get([ends, waits]);
    const changes = [to(ends, State.available, Terminal), to(waits, State.cancelled, Waiting)];
    await storage.jobs.transition(changes, t0 + 7);
    await storage.jobs.remove([ends], { from: State.available }, t0 + 8);
  }
}

test('a call reads no index as a whole, planned when VACUUM had found no job scheduled and none ended', async () => {
  await using database = await newDatabase();
  const url = database.url('ojs');
  const inside = new pg.Client({ connectionString: readPostgresUrl(url).targets[0] });
  await inside.connect();
  await using storage = postgresStorage({ url });
  await storage.migrate();
  await inside.query('VACUUM ANALYZE');
  await change(storage, 0, 1);
  await fill(storage, 0, 5);
  await change(storage, 0, 5);
  const own = new URL(url);
  own.searchParams.set('application_name', 'filling');
  const filling = postgresStorage({ url: own.href });
  await fill(filling, 5, many - 5);
  await filling[Symbol.asyncDispose]();
  await ended(inside, 'filling');
  const before = await indexBlocks(inside);
  const calls = 100;
  await change(storage, 5, calls);
  await storage[Symbol.asyncDispose]();
  await ended(inside, 'ojs ojs');
  const after = await indexBlocks(inside);
  await inside.end();
  for (const table of ['due', 'ended'])
    expect(((after.get(table) ?? 0) - (before.get(table) ?? 0)) / calls, `index blocks of ${table}`).toBeLessThan(60);
});

test('only the primary key finds a row by its number: a plan has no wrong index to choose', async () => {
  await using database = await newDatabase();
  const url = database.url('ojs');
  const inside = new pg.Client({ connectionString: readPostgresUrl(url).targets[0] });
  await inside.connect();
  await using storage = postgresStorage({ url });
  await storage.migrate();
  await inside.query("SET search_path = ojs; SET enable_seqscan = 'off'");
  for (const table of ['due', 'ready', 'ended', 'texts']) {
    await inside.query(`ALTER TABLE ${table} DROP CONSTRAINT ${table}_pkey`);
    const { rows } = await inside.query(`EXPLAIN SELECT * FROM ${table} WHERE number = 1`);
    expect(rows[0]['QUERY PLAN'], table).toMatch(/^Seq Scan/);
  }
  await inside.end();
});

/** Resolves once no connection of the name is left. Connections tell what they have read when they end at the latest. */
async function ended(inside: pg.Client, name: string): Promise<void> {
  const others =
    'SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1';
  for (;;) {
    const { rows } = await inside.query<{ readonly count: number }>(others, [name]);
    if (rows[0]?.count === 0) return;
  }
}

async function indexBlocks(inside: pg.Client): Promise<ReadonlyMap<string, number>> {
  const { rows } = await inside.query<{ readonly table: string; readonly blocks: number }>(
    `SELECT relname AS table, (idx_blks_hit + idx_blks_read)::int AS blocks FROM pg_statio_user_tables WHERE schemaname = 'ojs' AND idx_blks_hit IS NOT NULL`,
  );
  return new Map(rows.map(({ table, blocks }) => [table, blocks]));
}
