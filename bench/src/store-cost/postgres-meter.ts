import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { readPostgresUrl } from '../../../packages/server/src/storage/postgres/connection/url.ts';
import type { Meter } from './meter.ts';

/** Linux counts the CPU of children that have ended in hundredths of a second. */
const tickUs = 10_000;

const look = `SELECT pg_backend_pid() AS pid, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes,
  (SELECT wal_fpi FROM pg_stat_wal) AS images`;
const size = `SELECT sum(pg_total_relation_size(c.oid)) AS bytes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'm')`;
const names =
  "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') AS list FROM pg_tables WHERE schemaname = $1";

/** @throws Error where the server runs on another machine. */
export async function postgresMeter(storage: string): Promise<Meter> {
  const { connection, schema } = readPostgresUrl(storage);
  const client = new pg.Client({ connectionString: connection });
  await client.connect();
  const field = async (text: string, name: string, values: readonly unknown[] = []) =>
    (await client.query<Readonly<Record<string, string>>>(text, [...values])).rows[0]?.[name] ?? '';
  return {
    async used() {
      const { rows } = await client.query<Readonly<Record<string, string>>>(look);
      const row = rows[0] ?? {};
      return {
        cpuUs: cpuOf(parentOf(Number(row.pid))),
        logBytes: Number(row.bytes),
        images: Number(row.images),
      };
    },
    kept: async () => Number(await field(size, 'bytes', [schema])),
    async settle() {
      await client.query(`VACUUM ANALYZE ${await field(names, 'list', [schema])}`);
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** Fields of /proc/PID/stat from the third on: the second one is the name, which may have blanks. */
function statOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  if (!text.includes('(postgres)')) throw new Error(`process ${pid} is not PostgreSQL: it must run on this machine`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function parentOf(pid: number): number {
  return Number(statOf(pid)[1]);
}

/** The server's first process, its children, and those of its children that have ended. */
function cpuOf(first: number): number {
  let us = ownCpuOf(first) + (Number(statOf(first)[13]) + Number(statOf(first)[14])) * tickUs;
  for (const task of readdirSync(`/proc/${first}/task`)) {
    const children = readFileSync(`/proc/${first}/task/${task}/children`, 'utf8').trim();
    for (const pid of children === '' ? [] : children.split(' ')) us += ownCpuOf(Number(pid));
  }
  return us;
}

/** Nanoseconds, where /proc/PID/stat has hundredths of a second. */
function ownCpuOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000;
  } catch {
    // It has ended since its number was read.
    return 0;
  }
}
