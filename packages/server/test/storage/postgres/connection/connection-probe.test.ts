import { State } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { postgresStorage } from '../../../../src/storage/postgres/postgres.ts';
import { StoreUnavailable } from '../../../../src/storage/unavailable.ts';
import { storeProxy } from '../../../support/store-proxy.ts';
import { idOf, insert, move, newJob, to } from '../../suite/tools.ts';
import { connectAdmin, newSchema, openPostgres, test } from '../schema.ts';

test('a call into a dead network fails long before its own timeout, and the next one succeeds', async () => {
  const url = newSchema();
  await using _open = await openPostgres(url);
  await using proxy = await storeProxy(url);
  await using storage = postgresStorage({ url: proxy.url, patienceMs: 300 });
  await storage.ping();
  const dead = proxy.blackHole();
  const from = performance.now();
  await expect(insert(storage, [newJob(1)])).rejects.toThrow(StoreUnavailable);
  await dead;
  expect(performance.now() - from).toBeLessThan(30_000);
  proxy.heal();
  await insert(storage, [newJob(2)]);
});

test('a call that is only slow is waited for', async () => {
  const url = newSchema();
  await using other = await openPostgres(url);
  await insert(other, [newJob(1)]);
  // Enough for a new connection on a busy machine.
  await using storage = postgresStorage({ url, patienceMs: 2_500 });
  await using client = await connectAdmin();
  await client.query('BEGIN');
  await client.query(`SELECT FROM ${new URL(url).searchParams.get('schema')}.jobs FOR UPDATE`);
  const moving = move(storage, to(idOf(1), State.cancelled, 0xff));
  // More than twice as long as its patience.
  await client.query('SELECT pg_sleep(5.5)');
  await client.query('COMMIT');
  expect(await moving).toMatchObject({ kind: 'moved' });
});
