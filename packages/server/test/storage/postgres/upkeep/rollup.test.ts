import { expect } from 'vitest';
import { countErrors, insert, newJob, queue, t0 } from '../../suite/tools.ts';
import { connectAdmin, newSchema, openPostgres, test } from '../schema.ts';

test('rows that are added up already are not read again, however many queues and minutes there are', async () => {
  const url = newSchema();
  const schema = new URL(url).searchParams.get('schema');
  await using admin = await connectAdmin();
  await using storage = await openPostgres(url);
  const queues = 250;
  for (let minute = 0; minute < 4; minute++) {
    const jobs = Array.from({ length: queues }, (_, n) => newJob(minute * queues + n, { queue: `q${n}` }));
    await insert(storage, jobs, t0 + minute * 60_000);
  }
  const versions = async () =>
    (
      await admin.query(
        `SELECT queue, xmin::text FROM ${schema}.counts UNION ALL SELECT queue, xmin::text FROM ${schema}.minutes ORDER BY 1, 2`,
      )
    ).rows;
  expect(await versions()).toHaveLength(8 * queues);
  await storage.upkeep.promote(t0, 100);
  const folded = await versions();
  expect(folded).toHaveLength(5 * queues);
  await storage.upkeep.promote(t0, 100);
  expect(await versions()).toEqual(folded);
  expect((await queue(storage, 'q7'))?.counts).toEqual({ 2: 4 });
  expect(await countErrors(storage)).toEqual([]);
  expect(await storage.registry.statistics(0)).toHaveLength(4 * queues);
});

test('the minutes of many types are added up, however many rows they have', async () => {
  const url = newSchema();
  const schema = new URL(url).searchParams.get('schema');
  await using admin = await connectAdmin();
  await using storage = await openPostgres(url);
  const [types, commits] = [30, 220];
  for (let commit = 0; commit < commits; commit++) {
    const jobs = Array.from({ length: types }, (_, n) => newJob(commit * types + n, { type: `t${n}` }));
    await storage.jobs.insert([jobs], t0);
  }
  const rows = async () => (await admin.query(`SELECT FROM ${schema}.minutes`)).rowCount;
  expect(await rows()).toBe(types * commits);
  await storage.upkeep.promote(t0, 100);
  expect(await rows()).toBe(types);
  const sums = await storage.registry.statistics(0);
  expect(sums.map(({ enqueued }) => enqueued)).toEqual(Array.from({ length: types }, () => commits));
});
