import pg from 'pg';

import { startPostgres } from '../../../support/postgres.ts';
import { survivesReadOnly } from '../../../support/read-only-store.ts';
import { test } from '../schema.ts';

test('a server whose PostgreSQL is read-only says so, and goes on when it is no longer', async () => {
  await using instance = await startPostgres();
  const set = async (value: string) => {
    const client = new pg.Client({ connectionString: instance.url });
    await client.connect();
    await client.query(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
    await client.query('SELECT pg_reload_conf()');
    await client.end();
  };
  await survivesReadOnly(instance.url, { lock: () => set('on'), unlock: () => set('off') });
});
