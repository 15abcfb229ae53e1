import { State } from '@ojs-ts/core';
import pg from 'pg';
import { expect, test } from 'vitest';
import { claimOf, idOf, insert, newJob, t0 } from '../suite/tools.ts';
import { newSchema, openPostgres, server } from './schema.ts';

test.skipIf(server === null)('a due job that another transaction has locked is handed out once that has ended (digest §2.1)', async () => {
  const url = newSchema();
  await using storage = await openPostgres(url);
  await insert(storage, [newJob(1, { state: State.scheduled, runAt: t0 + 1 })]);
  const client = new pg.Client({ connectionString: server ?? '' });
  await client.connect();
  try {
    await client.query(`SET search_path = ${new URL(url).searchParams.get('schema')}`);
    await client.query('BEGIN');
    await client.query('SELECT FROM jobs FOR UPDATE');
    const claimed = storage.jobs.claim([claimOf(), claimOf({ queues: ['other'] })], t0 + 1);
    // The claim was sent before, so it meets the lock.
    await storage.ping();
    await client.query('COMMIT');
    expect((await claimed).map(({ jobs }) => jobs.map(({ id }) => id))).toEqual([[idOf(1)], []]);
    // One that stays locked holds nobody up for long.
    await insert(storage, [newJob(2, { state: State.scheduled, runAt: t0 + 2 })]);
    await client.query('BEGIN');
    await client.query('SELECT FROM jobs FOR UPDATE');
    expect(await storage.jobs.claim([claimOf()], t0 + 2)).toMatchObject([{ jobs: [] }]);
  } finally {
    await client.end();
  }
});
