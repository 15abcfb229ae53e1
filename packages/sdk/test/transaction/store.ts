import { type RunningServer, startServer } from '@ojs-ts/server';
import pg from 'pg';
import { newSchema, server as postgres } from '../../../server/test/storage/postgres/schema.ts';
import { Client } from '../../src/index.ts';
import { inbox, TransactionClient } from '../../src/transaction/index.ts';

export { postgres };

export interface Store extends AsyncDisposable {
  readonly url: string;
  /** For drivers: without the parameters that are the server's own. */
  readonly database: string;
  readonly schema: string;
  readonly server: RunningServer;
  readonly client: Client;
  readonly jobs: TransactionClient;
  readonly pool: pg.Pool;
}

/** A server on a schema of its own, a client of it, and a database with a table `SCHEMA_users` of its user. */
export async function openStore(options: Parameters<typeof startServer>[0] = {}): Promise<Store> {
  const url = newSchema();
  const address = new URL(url);
  const schema = address.searchParams.get('schema') ?? '';
  address.searchParams.delete('schema');
  const database = address.toString();
  const server = await startServer({ storage: url, port: 0, log: false, ...options });
  const client = new Client(server.url);
  const pool = new pg.Pool({ connectionString: database, max: 20 });
  pool.on('error', () => {});
  await pool.query(`CREATE TABLE "${schema}".users (id serial PRIMARY KEY, email text NOT NULL)`);
  return {
    ...{ url, database, schema, server, client, pool },
    jobs: new TransactionClient({ destination: inbox({ schema }) }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await pool.end();
      await server.close();
    },
  };
}

/** A transaction of `pg`, open until the test ends it. */
export async function begin({
  pool,
}: Pick<Store, 'pool'>): Promise<{ readonly client: pg.PoolClient; end(how: 'COMMIT' | 'ROLLBACK'): Promise<void> }> {
  const client = await pool.connect();
  await client.query('BEGIN');
  return {
    client,
    async end(how) {
      await client.query(how);
      client.release();
    },
  };
}
