import { stepsKind, valuesKind } from '@ojs-ts/core/durable';
import { type JobRecord, State } from '@ojs-ts/core/job';
import { completed } from '@ojs-ts/core/lifecycle';
import type { RecordChange } from '@ojs-ts/core/memory';
import { expect } from 'vitest';
import { redisStorage } from '../../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { pagesThroughJson, recordsOf } from '../../suite/dump.ts';
import { claim, insert, newJob, t0, to } from '../../suite/tools.ts';
import { keysOf, test } from '../namespace.ts';
import { newPrefix, openSharded, urlOf, wholeUrlOf } from './stores.ts';

const map = 'home:quiet;a:a;rest:*';
const queues = ['a', 'b', 'quiet'];
const other = { kind: 'k', key: 'x', version: 1, createdAt: t0, updatedAt: t0, body: '{}' };

const row = (id: string, key: string) => ({ ...other, kind: stepsKind(id), key });

/** The first row of a job, with its mark. */
function first({ id, claim }: JobRecord, patch: Partial<RecordChange> = {}): RecordChange {
  const puts = [row(id, 'one'), { ...row(id, 'one'), kind: valuesKind(id) }];
  const ends = [to(id, State.active, State.active, { policy: '{"steps":{}}' })];
  return { checks: [{ ...row(id, 'one'), version: null }], claims: [{ id, claim }], puts, ends, ...patch };
}

/** A job of each namespace, claimed. */
async function claimed(storage: Storage): Promise<readonly [JobRecord, JobRecord, JobRecord]> {
  await insert(
    storage,
    queues.map((queue, at) => newJob(at + 1, { queue })),
  );
  const [a, b, quiet] = await claim(storage, { queues, limit: 3 });
  if (!a || !b || !quiet) throw new Error('Three jobs were claimed.');
  return [a, b, quiet];
}

test('rows are in the namespace of their job, and a commit is split by change', async () => {
  const prefix = newPrefix();
  await using storage = await redisStorage({ url: urlOf(map, prefix) });
  await storage.migrate();
  const jobs = await claimed(storage);
  const [a, b] = jobs;
  const stale = first({ ...b, claim: 9 });
  expect(await storage.records.commit([...jobs.map((job) => first(job)), stale, { puts: [other] }], t0)).toEqual([
    ...[true, true, true],
    ...[false, true],
  ]);
  for (const [at, name] of ['a', 'rest', 'home'].entries()) {
    const keys = await keysOf(wholeUrlOf(name, prefix));
    const id = jobs[at]?.id ?? '';
    expect(keys.filter((key) => key.startsWith('records:step'))).toEqual([
      `records:${valuesKind(id)}`,
      `records:${stepsKind(id)}`,
    ]);
  }
  expect(await storage.records.get([row(a.id, 'one'), other, row(b.id, 'two'), row(b.id, 'one')])).toEqual([
    ...[row(a.id, 'one'), other, null, row(b.id, 'one')],
  ]);
  // Another server has no memory of the claims.
  await using second = await redisStorage({ url: urlOf(map, prefix) });
  expect(await second.records.scan(stepsKind(b.id), { limit: 9 })).toEqual([row(b.id, 'one')]);
  expect(await second.records.commit([{ claims: [a], puts: [row(a.id, 'two')] }])).toEqual([true]);
  expect(await second.records.scan(stepsKind(a.id), { limit: 9 })).toHaveLength(2);
});

test('one change cannot be in two namespaces', async () => {
  await using storage = await openSharded(map);
  const [a, b, quiet] = await claimed(storage);
  const spanning = [
    { claims: [a, b] },
    first(a, { puts: [row(b.id, 'one')] }),
    first(a, { puts: [other] }),
    first(a, { job: newJob(9, { queue: 'b' }) }),
  ];
  for (const change of spanning)
    await expect(storage.records.commit([change], t0)).rejects.toMatchObject({ code: 'unsupported' });
  expect(await storage.records.commit([first(quiet, { puts: [other] })], t0)).toEqual([true]);
  expect(await storage.records.commit([first(a, { job: newJob(9, { queue: 'a' }) })], t0)).toEqual([true]);
  expect(await storage.records.scan(stepsKind(b.id), { limit: 9 })).toEqual([]);
});

test('a job that is removed and made again elsewhere is found there', async () => {
  const prefix = newPrefix();
  await using storage = await redisStorage({ url: urlOf(map, prefix) });
  await storage.migrate();
  const [a] = await claimed(storage);
  await storage.records.commit([first(a)], t0);
  await using second = await redisStorage({ url: urlOf(map, prefix) });
  await second.jobs.remove([a.id], { from: State.active }, t0);
  await insert(second, [newJob(1, { queue: 'c' })]);
  const [again] = await claim(second, { queues: ['c'] });
  if (!again) throw new Error('The job was claimed.');
  expect(await storage.records.scan(stepsKind(a.id), { limit: 9 })).toEqual([]);
  expect(await storage.records.commit([first(again)], t0)).toEqual([true]);
  expect(await storage.records.get([row(again.id, 'one')])).toEqual([row(again.id, 'one')]);
});

test('a restore brings rows to the namespace that the new map gives their job', async () => {
  await using storage = await openSharded(map);
  const jobs = await claimed(storage);
  await storage.records.commit(
    jobs.map((job) => first(job)),
    t0,
  );
  await storage.jobs.transition([completed({ id: jobs[1].id, claim: 1, result: null })], t0);
  await using copy = await openSharded('home:*;x:b,quiet');
  await copy.backup.restore(pagesThroughJson(await recordsOf(storage)));
  for (const { id } of jobs) expect(await copy.records.scan(stepsKind(id), { limit: 9 })).toEqual([row(id, 'one')]);
  const gone = jobs.map(({ id }) => id);
  expect(await copy.jobs.remove(gone, { from: State.active | State.completed }, t0)).toEqual([true, true, true]);
  expect((await recordsOf(copy)).filter(({ kind }) => kind === 'record')).toEqual([]);
});
