import pg from 'pg';
import { readPostgresUrl } from '../../../../packages/server/src/storage/postgres/connection/url.ts';
import { isProgram, parentOf } from '../process.ts';
import type { FreshStore, Size } from './fresh-store.ts';
import { freshName } from './names.ts';

const settings = ['fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size'];

/** A schema of its own in the database that the URL names. */
export async function freshSchema(storage: string): Promise<FreshStore> {
  const url = new URL(storage);
  if (url.searchParams.has('schema'))
    throw new Error('the benchmark makes and removes a schema of its own; leave schema= out');
  const schema = freshName();
  const client = new pg.Client({ connectionString: readPostgresUrl(storage).targets[0] });
  await client.connect();
  url.searchParams.set('schema', schema);
  const numbers = async (text: string, values: readonly unknown[]): Promise<Readonly<Record<string, number>>> => {
    const { rows } = await client.query(text, [...values]);
    return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]));
  };
  return {
    storage: url.toString(),
    settings: await describe(client),
    pid: await postgresPid(client),
    async sizes(): Promise<readonly Size[]> {
      const { bytes = 0, dead = 0 } = await numbers(
        `SELECT sum(pg_total_relation_size(c.oid)) AS bytes, sum(pg_stat_get_dead_tuples(c.oid)) AS dead
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'm')`,
        [schema],
      );
      return [
        { what: 'table bytes', value: bytes, flat: true },
        { what: 'dead tuples', value: dead, flat: false },
      ];
    },
    async details() {
      const { rows } = await client.query<Readonly<Record<string, string>>>(
        `SELECT relname AS name, pg_total_relation_size(relid) AS bytes, n_live_tup AS live, n_dead_tup AS dead, autovacuum_count AS vacuums
           FROM pg_stat_user_tables WHERE schemaname = $1 ORDER BY bytes DESC LIMIT 12`,
        [schema],
      );
      return rows.map(
        ({ name, bytes, live, dead, vacuums }) =>
          `${name}: ${bytes} bytes, ${live} live, ${dead} dead, ${vacuums} autovacuums`,
      );
    },
    async connections(ports) {
      const { count = 0 } = await numbers(
        'SELECT count(*) AS count FROM pg_stat_activity WHERE client_port = ANY ($1::int[])',
        [[...ports]],
      );
      return count;
    },
    async [Symbol.asyncDispose]() {
      await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      await client.end();
    },
  };
}

/** The first process of the server; null where it runs on another machine. */
export async function postgresPid(client: pg.Client): Promise<number | null> {
  const { rows } = await client.query<{ readonly pid: number }>('SELECT pg_backend_pid() AS pid');
  const backend = rows[0]?.pid ?? Number.NaN;
  return isProgram(backend, /^postgres/) ? parentOf(backend) : null;
}

async function describe(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ readonly name: string; readonly value: string }>(
    `SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name`,
    [settings],
  );
  const { rows: versions } = await client.query<{ readonly server_version: string }>('SHOW server_version');
  return `PostgreSQL ${versions[0]?.server_version ?? ''}: ${rows.map(({ name, value }) => `${name}=${value}`).join(' ')}`;
}
