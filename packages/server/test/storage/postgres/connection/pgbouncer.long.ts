import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer } from '../../../../src/main.ts';
import { integer } from '../../../../src/storage/cells.ts';
import { openStorage } from '../../../../src/storage/open.ts';
import { Database } from '../../../../src/storage/postgres/connection/database.ts';
import { sessionSettings } from '../../../../src/storage/postgres/connection/settings.ts';
import { readPostgresUrl } from '../../../../src/storage/postgres/connection/url.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { StoreUnavailable } from '../../../../src/storage/unavailable.ts';
import { findPgbouncer, startPgbouncer } from '../../../support/pgbouncer.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { within } from '../../../support/storages.ts';
import { exerciseStorage } from '../../suite/exercise.ts';

const binary = await findPgbouncer();

describe.skipIf(binary === null)('PgBouncer in transaction mode', () => {
  let started: AsyncDisposableStack;
  let direct = '';
  let plain = '';
  let shared = '';
  const pooled = (url: string) => `${url}&pgbouncer=true`;
  beforeAll(async () => {
    started = new AsyncDisposableStack();
    const postgres = started.use(await startPostgres());
    direct = postgres.url;
    plain = started.use(await startPgbouncer(binary ?? '', direct)).url;
    shared = pooled(within(plain, 'schema'));
  });
  afterAll(() => started.disposeAsync());

  const open = async (options = {}): Promise<Storage> => {
    const storage = await openStorage(shared, options);
    await storage.migrate();
    await storage.clear();
    return storage;
  };
  exerciseStorage({ name: 'behind PgBouncer', open, openUnlogged: () => open({ events: false }) });

  test('servers that start at once share a store, and a long poll on one finds the job of the other, by polling', async () => {
    const storage = pooled(within(plain, 'schema'));
    const servers = await Promise.all([0, 1].map(() => startServer({ storage, port: 0, log: false })));
    await using ending = new AsyncDisposableStack();
    const [one = '', other = ''] = servers.map((server) => ending.use(server).url);
    const post = async (url: string, path: string, body: object) => {
      const headers = { 'content-type': 'application/openjobspec+json' };
      const response = await fetch(`${url}/ojs/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      return (await response.json()) as { readonly job: { readonly id: string } };
    };
    const held = post(other, '/workers/fetch', { queues: ['mail'], worker_id: 'w', wait_ms: 20_000 });
    const { job } = await post(one, '/jobs', { type: 'mail.send', args: [1], options: { queue: 'mail' } });
    expect(await held).toMatchObject({ jobs: [{ id: job.id, args: [1] }] });
    expect((await (await fetch(`${one}/ojs/manifest`)).text()).includes('polling')).toBe(true);
  });

  const connect = async (url: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
  };
  const inDatabase = (url: string, name: string) => Object.assign(new URL(url), { pathname: `/${name}` }).href;
  /** A database of its own behind a PgBouncer of its own. */
  const behind = async (kept: number, ofRole: boolean) => {
    const name = `kept_${kept}_${ofRole}`;
    await using admin = await connect(direct);
    await admin.query(`CREATE DATABASE ${name}`);
    for (const [setting, value] of ofRole ? Object.entries(sessionSettings) : [])
      await admin.query(`ALTER ROLE CURRENT_USER IN DATABASE ${name} SET ${setting} = ${value}`);
    const pooler = await startPgbouncer(binary ?? '', direct, [
      `max_prepared_statements = ${kept}`,
      'admin_users = postgres',
    ]);
    const database = new Database(readPostgresUrl(`${inDatabase(pooler.url, name)}?pgbouncer=true`), true, () => {});
    const closing = async () => {
      await database.close();
      await pooler[Symbol.asyncDispose]();
    };
    return { pooler, database, [Symbol.asyncDispose]: closing };
  };
  const session = `SELECT (SELECT source = 'session' FROM pg_settings WHERE name = 'enable_seqscan'),
    (SELECT count(*) FROM pg_prepared_statements)`;

  test.each([
    { kept: 200, ofRole: true },
    { kept: 200, ofRole: false },
    { kept: 0, ofRole: true },
    { kept: 0, ofRole: false },
  ])('$kept kept statements and settings of the role ($ofRole) are found and used', async ({ kept, ofRole }) => {
    await using one = await behind(kept, ofRole);
    const [isSet, prepared] = (await one.database.query(session))[0] ?? [];
    expect(isSet).toBe(!ofRole);
    expect(integer(prepared) > 0).toBe(kept > 0);
    const shown = await one.database.query('SELECT name, setting FROM pg_settings');
    expect(Object.fromEntries(shown)).toMatchObject(sessionSettings);
  });

  test('a pooler that no longer keeps prepared statements gets them whole', async () => {
    await using one = await behind(100, true);
    const database = one.database;
    expect((await database.query(session))[0]?.[1]).not.toBe(0);
    await using admin = await connect(inDatabase(one.pooler.url, 'pgbouncer'));
    await admin.query('SET max_prepared_statements = 0');
    for (let n = 0; n < 3; n++) {
      // The next session of the pooler does not know what the one before has prepared.
      expect((await database.query('SELECT $1::integer', [n]))[0]?.[0]).toBe(n);
      await admin.query('RECONNECT');
    }
    expect((await database.query(session))[0]).toEqual([false, 0]);
  });

  test('a URL without the option is refused with advice, not reported as an unreachable server', async () => {
    await using storage = await openStorage(within(plain, 'schema'));
    const error = await storage.migrate().catch((error: unknown) => error);
    expect(error).not.toBeInstanceOf(StoreUnavailable);
    expect(String(error)).toMatch(/unsupported startup parameter.*add pgbouncer=true to the URL/);
  });
});
