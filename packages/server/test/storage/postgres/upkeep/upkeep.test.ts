import { State } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { postgresStorage } from '../../../../src/storage/postgres/postgres.ts';
import { insert, newJob, t0 } from '../../suite/tools.ts';
import { connectAdmin, newSchema, openPostgres, test } from '../schema.ts';

const waiting = 3000;

test('upkeep and crons do not read other waiting jobs, with fresh statistics too', async () => {
  const url = newSchema();
  const schema = new URL(url).searchParams.get('schema');
  await using admin = await connectAdmin();
  await using filling = await openPostgres(url);
  await insert(
    filling,
    Array.from({ length: waiting }, (_, number) => newJob(number)),
  );
  await insert(filling, [newJob(waiting, { cron: 'hourly', state: State.scheduled, runAt: t0 + 9e9 })]);
  await filling[Symbol.asyncDispose]();
  for (const table of ['jobs', 'due', 'ready']) await admin.query(`VACUUM ANALYZE ${schema}.${table}`);
  const gone = async () => {
    const others = 'SELECT 1 FROM pg_stat_activity WHERE application_name = $1';
    while ((await admin.query(others, [`ojs ${schema}`])).rows.length > 0);
    const { rows } = await admin.query(
      `SELECT sum(seq_tup_read + idx_tup_fetch)::int AS read FROM pg_stat_user_tables
        WHERE schemaname = $1 AND relname IN ('jobs', 'due', 'ready', 'active', 'ended')`,
      [schema],
    );
    return rows[0].read;
  };
  const before = await gone();
  const storage = postgresStorage({ url });
  expect(await storage.upkeep.overdue(t0, 100)).toEqual([]);
  expect(await storage.upkeep.promote(t0, 100)).toEqual([]);
  expect((await storage.upkeep.held(null, 100)).items).toEqual([]);
  expect((await storage.jobs.runs(['daily', 'hourly', 'weekly'], 5)).map((jobs) => jobs.length)).toEqual([0, 1, 0]);
  await storage[Symbol.asyncDispose]();
  expect((await gone()) - before).toBeLessThan(100);
});
