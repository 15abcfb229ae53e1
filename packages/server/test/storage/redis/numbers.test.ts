import { State } from '@ojs-ts/core/job';
import { Redis } from 'ioredis';
import { expect } from 'vitest';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import { claim, idOf, ids, insert, move, newJob, to } from '../suite/tools.ts';
import { namespaceUrl, server, test } from './namespace.ts';

const jobs = 40;
/** A score is the priority times 2^44 and the place: below 2^53, so that neighbours stay apart. */
const cases = [
  ['places just below 2^44', { place: 2 ** 44 - jobs - 1 }],
  ['more than a million million jobs made', { number: 1e12 - jobs / 2 }],
  ['more than a million million events', { position: 1e12 - jobs / 2 }],
] as const;

test.each(cases)('first in, first out within a priority, whatever came before: %s', async (_, before) => {
  const url = namespaceUrl();
  await using storage = await redisStorage({ url });
  await storage.migrate();
  await using ending = new AsyncDisposableStack();
  const admin = ending.adopt(new Redis(server ?? ''), (client) => client.disconnect());
  await admin.hset(`{${new URL(url).searchParams.get('namespace')}}:store`, before);
  for (let number = 0; number < jobs; number++)
    await insert(storage, [newJob(number, { priority: number % 2 === 0 ? -100 : 100 })]);
  const urgent = Array.from({ length: jobs / 2 }, (_, index) => idOf(2 * index + 1));
  const patient = Array.from({ length: jobs / 2 }, (_, index) => idOf(2 * index));
  const listed: string[] = [];
  for (let after: string | undefined; ; ) {
    const { items, next } = await storage.jobs.list({ states: 0xff, limit: 7, ...(after !== undefined && { after }) });
    listed.push(...ids(items));
    if (next === null) break;
    after = next;
  }
  expect(listed.toSorted()).toEqual([...urgent, ...patient].toSorted());
  expect(ids(await claim(storage, { limit: jobs }))).toEqual([...urgent, ...patient]);
  for (const id of urgent) expect((await move(storage, to(id, State.completed, State.active))).kind).toBe('moved');
  expect((await storage.upkeep.held(null, 99)).items).toHaveLength(patient.length);
  const first = 'position' in before ? before.position : 0;
  const { batches } = await storage.events(first, 1_000);
  expect(batches.reduce((sum, { count }) => sum + count, 0)).toBe(2 * jobs + urgent.length);
});
