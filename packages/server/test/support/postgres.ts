import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Certificate } from './certificate.ts';
import { findProgram, type Instance, startInstance } from './instance.ts';
import { serverUrl } from './server-url.ts';

export interface PostgresOptions {
  /**
   * True keeps what was committed through `kill` of the machine too; false by default: faster, and it survives `kill`
   * all the same.
   */
  readonly fsync?: boolean;
  /** The directory that holds `initdb` and `postgres`; by default that of the PATH, else the distribution's newest. */
  readonly binaries?: string;
  /** Instead, a folder with `bin`, `lib` and `share`, of which the server gets a copy. */
  readonly installation?: string;
  /** Also speaks TLS, with this certificate. */
  readonly tls?: Certificate;
  /** Begins as a hot standby of that server, by streaming replication. */
  readonly standbyOf?: Instance;
}

/** The PostgreSQL that this test run shares; null where there is none. Starts it at the first call. */
export function postgresUrl(): Promise<string | null> {
  return serverUrl('postgres');
}

/** A PostgreSQL of the test's own. Throws where the binaries are missing. */
export async function startPostgres({
  fsync = false,
  binaries,
  installation,
  tls,
  standbyOf,
}: PostgresOptions = {}): Promise<Instance> {
  const found = binaries ?? findPostgres();
  const program = (directory: string, name: string) => {
    if (installation !== undefined) return join(directory, 'programs', 'bin', name);
    if (found === null) throw new Error('There is no initdb and postgres on this machine; install PostgreSQL.');
    return join(found, name);
  };
  // PostgreSQL reads no key that others may read, or that another user owns.
  const encrypted =
    tls === undefined ? [] : ['-c', 'ssl=on', '-c', 'ssl_cert_file=server.crt', '-c', 'ssl_key_file=server.key'];
  const certificate =
    tls === undefined
      ? ''
      : `; umask 077; echo '${readFileSync(tls.certFile)}' >data/server.crt; echo '${readFileSync(tls.keyFile)}' >data/server.key`;
  const speed = fsync ? [] : ['-c', 'fsync=off', '-c', 'full_page_writes=off'];
  const create = (directory: string) =>
    standbyOf === undefined
      ? `'${program(directory, 'initdb')}' -D data -U postgres -A trust -E UTF8 --no-locale --no-sync`
      : `'${join(findOfPostgres('pg_basebackup') ?? '', 'pg_basebackup')}' -D data -R -c fast --no-sync -h 127.0.0.1 -p ${standbyOf.port} -U postgres`;
  return startInstance({
    name: 'postgres',
    user: 'postgres',
    ...(installation !== undefined && { programs: installation }),
    prepare: (directory) => `${create(directory)}${certificate}`,
    command: (directory, port) => [
      program(directory, 'postgres'),
      ...['-D', 'data', '-k', directory, '-p', String(port)],
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=200', '-c', 'shared_buffers=128MB'],
      ...speed,
      ...encrypted,
    ],
    stop: 'QUIT',
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
    ping: pingPostgres,
  });
}

/** Where the machine's PostgreSQL is, if it has one. */
export function findPostgres(): string | null {
  return findOfPostgres('initdb');
}

function findOfPostgres(program: string): string | null {
  const debian = '/usr/lib/postgresql';
  const versions = list(debian).toSorted((a, b) => Number(b) - Number(a));
  return findProgram(
    program,
    versions.map((version) => join(debian, version, 'bin')),
  );
}

export function pingPostgres(url: string): Promise<void> {
  return using(url, async (client) => {
    await client.query('SELECT 1');
  });
}

/** Removes every schema whose name begins with `prefix`. */
export function clearPostgres(url: string, prefix: string): Promise<void> {
  return using(url, async (client) => {
    const { rows } = await client.query<{ nspname: string }>(
      'SELECT nspname FROM pg_namespace WHERE starts_with(nspname, $1)',
      [prefix],
    );
    // One at a time: all of them would be more locks than one transaction may hold.
    for (const { nspname } of rows) await client.query(`DROP SCHEMA "${nspname}" CASCADE`);
  });
}

/** Runs one statement over a connection of its own. */
export function runOnPostgres(url: string, statement: string): Promise<void> {
  return using(url, async (client) => {
    await client.query(statement);
  });
}

async function using(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end();
  }
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
