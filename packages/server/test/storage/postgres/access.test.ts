import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { expect } from 'vitest';
import { postgresStorage } from '../../../src/storage/postgres/postgres.ts';
import { insert, newJob, queue, t0 } from '../suite/tools.ts';
import { connectAdmin, newSchema, openPostgres, test } from './schema.ts';

async function administer(work: (client: pg.Client) => Promise<void>): Promise<void> {
  await using client = await connectAdmin();
  await work(client);
}

test('a role without the right to create schemas migrates the schema that an administrator has created', async () => {
  const url = new URL(newSchema());
  const schema = url.searchParams.get('schema');
  const role = `${schema}_role`;
  const password = randomBytes(8).toString('hex');
  await administer(async (client) => {
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
    try {
      await client.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${role}`);
      url.username = role;
      url.password = password;
      await using storage = postgresStorage({ url: url.toString() });
      await storage.migrate();
      await insert(storage, [newJob(1)]);
      await storage[Symbol.asyncDispose]();
    } finally {
      await client.query(`DROP SCHEMA ${schema} CASCADE; DROP ROLE ${role}`);
    }
  });
});

test('who configures a new queue while another does finds the newer version', async () => {
  const url = newSchema();
  const schema = new URL(url).searchParams.get('schema');
  await using storage = await openPostgres(url);
  await administer(async (client) => {
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO ${schema}.queues (name, created_at, config, version) VALUES ('mail', ${t0}, '{"first":1}', 1)`,
    );
    const second = storage.registry.configureQueue('mail', { config: '{"second":1}' }, t0, 0);
    const waits = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'ojs ${schema}' AND wait_event_type = 'Lock'`;
    while ((await client.query(waits)).rows.length === 0);
    await client.query('COMMIT');
    expect(await second).toBeNull();
  });
  expect(await queue(storage, 'mail')).toMatchObject({ config: '{"first":1}', version: 1 });
  expect(await storage.registry.configureQueue('other', { config: '{}' }, t0, 3)).toBeNull();
  expect(await queue(storage, 'other')).toBeUndefined();
});
