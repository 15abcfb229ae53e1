import { State } from '@ojs-ts/core/job';
import { expect, vi } from 'vitest';
import { claim, idOf, ids, insert, newJob } from '../../suite/tools.ts';
import { connectAdmin, newSchema, openPostgres, test } from '../schema.ts';

const waiting = `SELECT count(*)::int AS count FROM pg_locks
  WHERE NOT granted AND relation = to_regclass($1 || '.ended')`;
/** As an ack moves a row, under the lock that its session holds. */
const end = (schema: string) => `WITH gone AS (DELETE FROM ${schema}.active RETURNING *)
  INSERT INTO ${schema}.ended SELECT (jsonb_populate_record(NULL::${schema}.ended,
    to_jsonb(gone) || '{"state": ${State.completed}, "finished_at": 9, "dead_letter": false}')).* FROM gone`;

test('a job that ends between the two reads of a list is listed once', async () => {
  const url = newSchema();
  await using storage = await openPostgres(url);
  await insert(storage, [newJob(1)]);
  await claim(storage);
  const schema = new URL(url).searchParams.get('schema') ?? '';
  await using other = await connectAdmin();
  await other.query('BEGIN');
  await other.query(`LOCK TABLE ${schema}.ended IN ACCESS EXCLUSIVE MODE`);
  const listing = storage.jobs.list({ states: State.active | State.completed, limit: 9 });
  await vi.waitFor(async () => expect((await other.query(waiting, [schema])).rows).toEqual([{ count: 1 }]), 60_000);
  await other.query(end(schema));
  await other.query('COMMIT');
  expect(ids((await listing).items)).toEqual([idOf(1)]);
});
