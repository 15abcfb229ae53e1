import pg from 'pg';
import { expect, test } from 'vitest';
import { claim, insert, limitOf, newJob } from '../suite/tools.ts';
import { newSchema, openPostgres, server } from './schema.ts';

test.skipIf(server === null)('what claims have taken of the changes of limits is cleared without waiting for autovacuum', async () => {
  const url = newSchema();
  const schema = new URL(url).searchParams.get('schema');
  await using storage = await openPostgres(url);
  const client = new pg.Client({ connectionString: server ?? '' });
  await client.connect();
  try {
    const tables = ['limit_changes', 'lane_changes'].map((name) => `${schema}.${name}`);
    for (const table of tables) await client.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
    const jobs = Array.from({ length: 5_500 }, (_, n) => newJob(n, { limits: [limitOf(`k${n}`, { concurrency: 1 })] }));
    for (let at = 0; at < jobs.length; at += 500) await insert(storage, jobs.slice(at, at + 500));
    const bytes = async () =>
      (await client.query(`SELECT ${tables.map((name) => `pg_relation_size('${name}')`).join(' + ')} AS bytes`)).rows[0].bytes;
    expect(Number(await bytes())).toBeGreaterThan(400_000);
    expect(await claim(storage, { limit: 10 })).toHaveLength(10);
    while (Number(await bytes()) > 50_000);
  } finally {
    await client.end();
  }
});
