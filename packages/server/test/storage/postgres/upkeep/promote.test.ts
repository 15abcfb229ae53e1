import { State } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { claim, countErrors, idOf, ids, insert, newJob, t0 } from '../../suite/tools.ts';
import { connectAdmin, newSchema, openPostgres, test } from '../schema.ts';

const waiting = `SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`;

test('a claim that finds a job which another call is just moving on waits for it', async () => {
  const url = newSchema();
  const schema = new URL(url).searchParams.get('schema');
  await using storage = await openPostgres(url);
  await insert(storage, [newJob(1, { state: State.scheduled, runAt: t0 + 5 })]);
  await using client = await connectAdmin();
  const untilWaiting = async (count: number) => {
    // Within a transaction activity is read once.
    do await client.query('SELECT pg_stat_clear_snapshot()');
    while ((await client.query(waiting, [`ojs ${schema}`])).rows.length < count);
  };
  // The promotion stands before its last statement, with the job locked.
  await client.query('BEGIN');
  await client.query(`LOCK TABLE ${schema}.counts IN SHARE MODE`);
  const promoted = storage.upkeep.promote(t0 + 5, 10);
  await untilWaiting(1);
  const claimed = claim(storage, {}, t0 + 5);
  await Promise.race([claimed, untilWaiting(2)]);
  await client.query('COMMIT');
  expect(ids(await claimed)).toEqual([idOf(1)]);
  expect(await promoted).toEqual([{ queue: 'default', count: 1 }]);
  expect(await countErrors(storage)).toEqual([]);
});

test('a claim waits no longer than a second for a job that another transaction keeps', async () => {
  const url = newSchema();
  const schema = new URL(url).searchParams.get('schema');
  await using storage = await openPostgres(url);
  await insert(storage, [newJob(1, { state: State.scheduled, runAt: t0 + 5 })]);
  await using client = await connectAdmin();
  await client.query('BEGIN');
  await client.query(`SELECT FROM ${schema}.due FOR UPDATE`);
  expect(await claim(storage, {}, t0 + 5)).toEqual([]);
  await client.query('ROLLBACK');
  expect(ids(await claim(storage, {}, t0 + 5))).toEqual([idOf(1)]);
});
