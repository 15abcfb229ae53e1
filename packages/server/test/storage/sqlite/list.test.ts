import { join } from 'node:path';
import { State } from '@ojs-ts/core/job';
import { expect, test } from 'vitest';
import { Connection } from '../../../src/storage/sqlite/disk/connection.ts';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import { claimOne, insert, move, newJob, to } from '../suite/tools.ts';
import { temporaryDirectory } from './temporary.ts';

/** More than a call may have arguments. */
const before = 200_000;

test('a page after 200,000 finished jobs can be read', async () => {
  const file = join(temporaryDirectory(), 'jobs.db');
  await using storage = sqliteStorage({ path: file });
  await storage.migrate();
  await insert(storage, [newJob(1)]);
  const { id, claim } = await claimOne(storage);
  await move(storage, to(id, State.completed, State.active, { claim }));
  const sql = new Connection(file, 'OFF');
  const columns = sql.values(`SELECT name FROM pragma_table_info('ojs_jobs') WHERE name NOT IN ('number', 'id')`);
  sql.execute(`INSERT INTO ojs_jobs (id, ${columns}) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${before})
    SELECT printf('00000000-0000-7000-9000-%012d', i), ${columns} FROM ojs_jobs, n WHERE number = 1; UPDATE ojs_queues SET completed = ${before} + 1`);
  sql.close();
  const { items, next } = await storage.jobs.list({ states: State.completed, offset: before, limit: 5 });
  expect(items.map((job) => job.id)).toEqual([id]);
  expect(next).toBeNull();
});
