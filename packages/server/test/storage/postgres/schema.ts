import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { usualDeltaPages } from '../../../src/storage/postgres/limits/limit-deltas.ts';
import { postgresStorage } from '../../../src/storage/postgres/postgres.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { postgresUrl } from '../../support/postgres.ts';

/** The PostgreSQL of the run; null where the machine has none. */
export const server = await postgresUrl();

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
