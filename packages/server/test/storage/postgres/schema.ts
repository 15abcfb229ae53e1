import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { test as everyTest, inject } from 'vitest';
import { usualDeltaPages } from '../../../src/storage/postgres/limits/limit-deltas.ts';
import { postgresStorage } from '../../../src/storage/postgres/postgres.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { postgresUrl } from '../../support/postgres.ts';

/** The PostgreSQL of the run; null where the machine has none. */
export const server = await postgresUrl();

/** A test that needs PostgreSQL. */
export const test = everyTest.skipIf(server === null);

/** The URL of a new schema, which goes with the run. */
export function newSchema(parameters: Readonly<Record<string, string>> = {}): string {
  if (server === null) throw new Error('There is no PostgreSQL on this machine.');
  const url = new URL(server);
  url.searchParams.set('schema', `${inject('testRun')}_${randomBytes(6).toString('hex')}`);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.toString();
}

/** A migrated storage in a schema of its own. */
export async function openPostgres(url = newSchema(), pages = usualDeltaPages): Promise<Storage> {
  const storage = postgresStorage({ url, pages });
  await storage.migrate();
  return storage;
}

/** A connection to the server of the run, beside those of a storage. */
export async function connectAdmin(): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: server ?? '' });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

/**
 * A database of its own, which other tests cannot affect: PostgreSQL removes dead rows once no transaction of the same
 * database sees them.
 */
export async function newDatabase(): Promise<AsyncDisposable & { readonly url: (schema: string) => string }> {
  const name = `ojs_${randomBytes(16).toString('hex')}`;
  const admin = await connectAdmin();
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(server ?? '');
  url.pathname = `/${name}`;
  return {
    url(schema) {
      url.searchParams.set('schema', schema);
      return url.toString();
    },
    async [Symbol.asyncDispose]() {
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}
