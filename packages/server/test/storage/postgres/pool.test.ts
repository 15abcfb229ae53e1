import pg from 'pg';
import { expect } from 'vitest';
import { Database } from '../../../src/storage/postgres/connection/database.ts';
import { readPostgresUrl } from '../../../src/storage/postgres/connection/url.ts';
import { newSchema, server, test } from './schema.ts';

test('a half-used pool opens the rest, one with little use stays small', async () => {
  const url = newSchema({ connections: '6' });
  const database = new Database(readPostgresUrl(url), false, () => {});
  const client = new pg.Client({ connectionString: server ?? '' });
  await client.connect();
  const open = async () => {
    const { rows } = await client.query(
      'SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = $1',
      [`ojs ${new URL(url).searchParams.get('schema')}`],
    );
    return rows[0].count;
  };
  try {
    await Promise.all([database.query('SELECT 1'), database.query('SELECT 1')]);
    expect(await open()).toBe(2);
    await Promise.all(Array.from({ length: 3 }, () => database.query('SELECT 1')));
    await expect.poll(open).toBe(6);
  } finally {
    await client.end();
    await database.close();
  }
});
