import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { postgresStorage } from '../../../src/storage/postgres/postgres.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { server } from './schema.ts';

export interface Stores extends AsyncDisposable {
  readonly all: readonly Storage[];
  /** Of the database. */
  readonly url: string;
  /**
   * Closes the storages; answers how many transactions the server ended because of a deadlock, and how many rows of the
   * table were read, seen or not.
   */
  close(table: string): Promise<{ readonly deadlocks: number; readonly read: number }>;
}

/** Several storages, each with connections of its own, on one new database that is removed in the end. */
export async function openStores(count: number): Promise<Stores> {
  if (server === null) throw new Error('There is no PostgreSQL on this machine.');
  const name = `ojs_${randomUUID().replaceAll('-', '')}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const own = url.toString();
  url.searchParams.set('connections', '2');
  const all = Array.from({ length: count }, () => postgresStorage({ url: url.toString() }));
  await all[0]?.migrate();
  const close = () => Promise.all(all.map((storage) => storage[Symbol.asyncDispose]()));
  return {
    all,
    url: own,
    async close(table) {
      await close();
      // A connection tells its numbers when it ends at the latest.
      const ended = 'SELECT deadlocks::int FROM pg_stat_database WHERE datname = $1 AND numbackends = 0';
      let { rows } = await admin.query(ended, [name]);
      while (rows.length === 0) ({ rows } = await admin.query(ended, [name]));
      const inside = new pg.Client({ connectionString: own });
      await inside.connect();
      const reads = 'SELECT (seq_tup_read + idx_tup_fetch)::int AS read FROM pg_stat_user_tables WHERE relname = $1';
      const [{ read }] = (await inside.query(reads, [table])).rows;
      await inside.end();
      return { deadlocks: rows[0].deadlocks, read };
    },
    async [Symbol.asyncDispose]() {
      await close();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}
