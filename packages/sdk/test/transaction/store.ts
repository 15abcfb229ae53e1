import { type RunningServer, startServer } from '@ojs-ts/server';
import pg from 'pg';
import { newSchema, server as postgres } from '../../../server/test/storage/postgres/schema.ts';
import { Client } from '../../src/index.ts';
import { inbox, TransactionClient } from '../../src/transaction/index.ts';

export { postgres };

export interface Database extends AsyncDisposable {
  readonly url: string;
  /** For drivers: without the parameters that are the server's own. */
  readonly database: string;
  readonly schema: string;
  readonly jobs: TransactionClient;
  readonly pool: pg.Pool;
}

export interface Store extends Database {
  readonly server: RunningServer;
  readonly client: Client;
}

/** The name of a schema that a server has still to make, and connections to its database. */
export function openDatabase(): Database {
  const url = newSchema();
  const address = new URL(url);
  const schema = address.searchParams.get('schema') ?? '';
  address.searchParams.delete('schema');
  const database = address.toString();
  const pool = new pg.Pool({ connectionString: database, max: 20 });
  pool.on('error', () => {});
  const opened = new Set<pg.PoolClient>();
  pool.on('acquire', (open) => opened.add(open));
  pool.on('release', (_, open) => opened.delete(open));
  return {
    ...{ url, database, schema, pool },
    jobs: new TransactionClient({ destination: inbox({ schema }) }),
    async [Symbol.asyncDispose]() {
      // What a failed test has left open would be waited for.
      for (const open of opened) open.release(true);
      await pool.end();
    },
  };
}

/** A server on a schema of its own, a client of it, and a table `users` beside the server's. */
export async function openStore(options: Parameters<typeof startServer>[0] = {}): Promise<Store> {
  const database = openDatabase();
  const server = await startServer({ storage: database.url, port: 0, log: false, ...options });
  const client = new Client(server.url);
  await database.pool.query(`CREATE TABLE "${database.schema}".users (id serial PRIMARY KEY, email text NOT NULL)`);
  return {
    ...{ ...database, server, client },
    async [Symbol.asyncDispose]() {
      await client.close();
      await database[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

/** A transaction of `pg`, open until the test ends it. */
export async function begin({ pool }: Pick<Database, 'pool'>): Promise<{
  readonly client: pg.PoolClient;
  end(how: 'COMMIT' | 'ROLLBACK'): Promise<void>;
}> {
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
