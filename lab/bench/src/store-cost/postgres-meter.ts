import pg from 'pg';
import { readPostgresUrl } from '../../../../packages/server/src/storage/postgres/connection/url.ts';
import { treeCpuUs } from '../process.ts';
import { postgresPid } from '../stores/postgres.ts';
import type { Meter } from './meter.ts';

const look = `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes,
  (SELECT wal_fpi FROM pg_stat_wal) AS images`;
const size = `SELECT sum(pg_total_relation_size(c.oid)) AS bytes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'm')`;
const names =
  "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') AS list FROM pg_tables WHERE schemaname = $1";

/** @throws Error where the server runs on another machine. */
export async function postgresMeter(storage: string): Promise<Meter> {
  const { targets, schema } = readPostgresUrl(storage);
  const client = new pg.Client({ connectionString: targets[0] });
  await client.connect();
  const pid = await postgresPid(client);
  if (pid === null) throw new Error('PostgreSQL must run on this machine: its CPU time is read from /proc');
  const field = async (text: string, name: string, values: readonly unknown[] = []) =>
    (await client.query<Readonly<Record<string, string>>>(text, [...values])).rows[0]?.[name] ?? '';
  return {
    async used() {
      const { rows } = await client.query<Readonly<Record<string, string>>>(look);
      const row = rows[0] ?? {};
      return { cpuUs: treeCpuUs(pid), logBytes: Number(row.bytes), commands: null, images: Number(row.images) };
    },
    kept: async () => Number(await field(size, 'bytes', [schema])),
    async settle() {
      await client.query(`VACUUM ANALYZE ${await field(names, 'list', [schema])}`);
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}
