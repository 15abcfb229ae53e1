import pg from 'pg';
import { expect } from 'vitest';
import { Database } from '../../../../src/storage/postgres/connection/database.ts';
import { readPostgresUrl } from '../../../../src/storage/postgres/connection/url.ts';
import { Vacuum } from '../../../../src/storage/postgres/upkeep/vacuum.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { claim, idOf, insert, keepAll, limitOf, newJob, t0 } from '../../suite/tools.ts';
import { newSchema, openPostgres, server, test } from '../schema.ts';

/**
 * A vacuum leaves what an older transaction may still see, and other files of tests have transactions on the same
 * server. These vacuums are not repeated, so a longer wait is in vain.
 */
const again = { retry: 4 };
const soon = { timeout: 15_000 };

/** An empty store, and an administrator's connection to its database. */
async function openStore() {
  const url = newSchema();
  const stack = new AsyncDisposableStack();
  const storage = stack.use(await openPostgres(url));
  const client = new pg.Client({ connectionString: server ?? '' });
  await client.connect();
  stack.defer(() => client.end());
  const use = (database: Database) => stack.adopt(database, () => database.close());
  const defer = (sql: string) => stack.defer(async () => void (await client.query(sql)));
  const schema = String(new URL(url).searchParams.get('schema'));
  return { url, schema, storage, client, use, defer, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function insertAll(storage: Storage, count: number): Promise<void> {
  const jobs = Array.from({ length: count }, (_, n) => newJob(n));
  for (let at = 0; at < count; at += 500) await insert(storage, jobs.slice(at, at + 500));
}

test('merged limit deltas are vacuumed without waiting for autovacuum', again, async () => {
  await using store = await openStore();
  const { schema, storage, client } = store;
  const tables = ['limit_changes', 'limit_group_changes'].map((name) => `${schema}.${name}`);
  for (const table of tables) await client.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
  const jobs = Array.from({ length: 5_000 }, (_, n) => newJob(n, { limits: [limitOf(`k${n}`, { concurrency: 1 })] }));
  for (let at = 0; at < jobs.length; at += 500) await insert(storage, jobs.slice(at, at + 500));
  const bytes = async () =>
    (await client.query(`SELECT ${tables.map((name) => `pg_relation_size('${name}')`).join(' + ')} AS bytes`)).rows[0]
      .bytes;
  expect(Number(await bytes())).toBeGreaterThan(400_000);
  await storage.upkeep.promote(t0, 10);
  await expect.poll(async () => Number(await bytes()), soon).toBeLessThanOrEqual(50_000);
});

test('imported rows of the inbox are vacuumed, too: every read of it reads dead rows', again, async () => {
  await using store = await openStore();
  const { schema, storage, client } = store;
  const { inbox } = storage;
  if (inbox === null) throw new Error('PostgreSQL has an inbox.');
  const tables = ['inbox', 'inbox_completions'].map((name) => `${schema}.${name}`);
  for (const table of tables) await client.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
  const ids = Array.from({ length: 3_000 }, (_, n) => idOf(n));
  await client.query(
    `INSERT INTO ${schema}.inbox (id, request) SELECT id, repeat('x', 100) FROM unnest($1::uuid[]) AS id`,
    [ids],
  );
  await client.query(`INSERT INTO ${schema}.inbox_completions (id, claim) SELECT id, 1 FROM unnest($1::uuid[]) AS id`, [
    ids,
  ]);
  const bytes = async () =>
    (await client.query(`SELECT ${tables.map((name) => `pg_relation_size('${name}')`).join(' + ')} AS bytes`)).rows[0]
      .bytes;
  expect(Number(await bytes())).toBeGreaterThan(400_000);
  const entries = await inbox.read(3_000);
  await inbox.take(
    entries.map(({ number }, n) => ({ entry: number, job: newJob(n) })),
    t0,
  );
  expect(await inbox.complete(3_000, t0)).toMatchObject({ count: 3_000 });
  await expect.poll(async () => Number(await bytes()), soon).toBeLessThanOrEqual(50_000);
});

test('the process that runs upkeep vacuums small tables with mostly dead rows', async () => {
  await using store = await openStore();
  const { schema, storage, client } = store;
  for (const table of ['ready', 'queues'])
    await client.query(`ALTER TABLE ${schema}.${table} SET (autovacuum_enabled = off)`);
  await insertAll(storage, 6_000);
  await claim(storage, { limit: 6_000 });
  const vacuums = async (table: string) =>
    (
      await client.query(
        'SELECT vacuum_count::int AS count FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = $2',
        [schema, table],
      )
    ).rows[0].count;
  const look = async () => {
    await storage.upkeep.prune(keepAll, 1);
    return vacuums('ready');
  };
  await expect.poll(look).toBeGreaterThan(0);
  expect(await vacuums('queues')).toBe(0);
});

test('rows that a backup still sees are vacuumed again only when as many more are dead', async () => {
  await using store = await openStore();
  const { schema, storage, client } = store;
  const database = store.use(new Database(readPostgresUrl(store.url), false, () => {}));
  let now = 0;
  const vacuum = new Vacuum(database);
  const look = async () => {
    now += 60_000;
    await vacuum.look(now);
    const { rows } = await client.query(
      `SELECT vacuum_count::int AS count FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = 'jobs'`,
      [schema],
    );
    return rows[0].count;
  };
  await client.query(`ALTER TABLE ${schema}.jobs SET (autovacuum_enabled = off)`);
  await insertAll(storage, 6_000);
  await using backup = await database.snapshot();
  // Its moment is that of the first read.
  await backup.query('SELECT count(*) FROM ojs.jobs');
  await client.query(`UPDATE ${schema}.jobs SET priority = 1`);
  await expect.poll(look).toBe(1);
  for (let looks = 0; looks < 5; looks++) expect(await look()).toBe(1);
  await client.query(`UPDATE ${schema}.jobs SET priority = 2`);
  await expect.poll(look).toBe(2);
});

test('an index that grew beside an old transaction is rebuilt after its end, at most once an hour', async () => {
  await using store = await openStore();
  const { schema, storage, client } = store;
  const database = store.use(new Database(readPostgresUrl(store.url), false, () => {}));
  let now = 0;
  const vacuum = new Vacuum(database);
  /** Looks once; answers which file the index has, its size, and the dead rows of the table. */
  const look = async () => {
    now += 5_000;
    await vacuum.look(now);
    const { rows } = await client.query(
      `SELECT pg_relation_filenode('${schema}.ready_order')::int AS file, pg_relation_size('${schema}.ready_order')::int AS bytes, n_dead_tup::int AS dead
          FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = 'ready'`,
      [schema],
    );
    return rows[0];
  };
  /** After a write: rows that a vacuum has left are vacuumed again when as many more are dead. */
  const lookAfterWrite = async () => {
    await client.query(`UPDATE ${schema}.ready SET priority = priority + 1`);
    return look();
  };
  const growBesideTransaction = async () => {
    await using old = await database.snapshot();
    // Its moment is that of the first read.
    await old.query('SELECT count(*) FROM ojs.jobs');
    const { file } = await look();
    for (let round = 0; round < 25; round++) await client.query(`UPDATE ${schema}.ready SET priority = $1`, [round]);
    for (let looks = 0; looks < 3; looks++) expect((await look()).file).toBe(file);
  };
  await client.query(`ALTER TABLE ${schema}.ready SET (autovacuum_enabled = off)`);
  await insertAll(storage, 6_000);
  await growBesideTransaction();
  await expect.poll(async () => (await lookAfterWrite()).bytes).toBeLessThan(1_000_000);
  await growBesideTransaction();
  await expect.poll(async () => (await lookAfterWrite()).dead).toBe(0);
  expect((await look()).bytes).toBeGreaterThan(3_000_000);
  now += 3_600_000;
  await expect.poll(async () => (await lookAfterWrite()).bytes).toBeLessThan(1_000_000);
  expect(await claim(storage, { limit: 20 })).toHaveLength(20);
});

test('a role that does not own the tables leaves them to autovacuum', async () => {
  const statements: string[] = [];
  class Watched extends Database {
    override query(text: string, values?: readonly unknown[]) {
      statements.push(text);
      return super.query(text, values);
    }
  }
  await using store = await openStore();
  const { schema, storage, client } = store;
  const url = new URL(store.url);
  Object.assign(url, { username: `${schema}_role`, password: 'secret' });
  store.defer(`DROP OWNED BY ${url.username}; DROP ROLE ${url.username}`);
  await client.query(`CREATE ROLE ${url.username} LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA ${schema} TO ${url.username};
    ALTER TABLE ${schema}.ready SET (autovacuum_enabled = off)`);
  await insertAll(storage, 6_000);
  await claim(storage, { limit: 6_000 });
  const dead = async () =>
    (
      await client.query(
        `SELECT n_dead_tup::int AS dead FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = 'ready'`,
        [schema],
      )
    ).rows[0].dead;
  await expect.poll(dead).toBeGreaterThan(5_000);
  const vacuums = async (address: string) => {
    statements.length = 0;
    await new Vacuum(store.use(new Watched(readPostgresUrl(address), false, () => {}))).look(0);
    return statements.filter((text) => text.startsWith('VACUUM')).length;
  };
  expect(await vacuums(url.toString())).toBe(0);
  expect(await vacuums(store.url)).toBe(1);
});
