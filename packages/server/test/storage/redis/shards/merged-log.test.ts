import { Waiting } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { readAddress } from '../../../../src/storage/redis/connection/address.ts';
import { Connection } from '../../../../src/storage/redis/connection/connection.ts';
import { redisStorage } from '../../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { eventLog, idOf, insert, keepAll, newJob, t0, to } from '../../suite/tools.ts';
import { keysOf, test } from '../namespace.ts';
import { newPrefix, openSharded, urlOf, wholeUrlOf } from './stores.ts';

const map = 'home:a;b:b;c:*';
const queues = ['a', 'b', 'c'];

test('two readers of a log with four writers read the same: each event once, those of a namespace in their order', async () => {
  const url = urlOf(map);
  await using opened = new AsyncDisposableStack();
  const storages: Storage[] = [];
  for (let count = 0; count < 5; count++) storages.push(opened.use(await redisStorage({ url })));
  const [first, second, ...writers] = storages;
  if (!first || !second) throw new Error('There is no reader.');
  await first.migrate();
  const total = 240;
  let written = 0;
  const writing = writers.map(async (storage, writer) => {
    for (let number = writer; number < total; number += writers.length) {
      const queue = queues[number % 3] ?? '';
      await storage.jobs.insert([[newJob(number, { queue })]], t0);
      await storage.jobs.transition([to(idOf(number), 64, Waiting, { events: [{ kind: 'job.cancelled' }] })], t0);
      written += 1;
    }
  });
  const follow = async (storage: Storage) => {
    const seen: string[] = [];
    for (let position = 0, done = false; ; ) {
      done = written === total;
      const { batches } = await storage.events(position, 20);
      for (const batch of batches) {
        // A position that a reader has passed never gets an event later, so each page begins where the one before
        // ended.
        expect(batch.position).toBe(position + 1);
        position = batch.position + batch.count - 1;
        seen.push(batch.entries);
      }
      if (done && batches.length === 0) return seen;
    }
  };
  const [one, other] = await Promise.all([follow(first), follow(second), ...writing]);
  expect(one).toEqual(other);
  const log = await eventLog(first);
  expect(log).toHaveLength(2 * total);
  for (let number = 0; number < total; number++) {
    expect(log.filter(({ id }) => id === idOf(number)).map(({ kind }) => kind)).toEqual([
      'job.enqueued',
      'job.cancelled',
    ]);
  }
});

test('batches that a process has imported and not removed are removed by the next, and read once', async () => {
  const prefix = newPrefix();
  const url = urlOf(map, prefix);
  await using storage = await redisStorage({ url });
  await storage.migrate();
  await insert(storage, [newJob(1, { queue: 'b' }), newJob(2, { queue: 'b' })]);
  await storage.events(0, 1);
  expect(await keysOf(wholeUrlOf('b', prefix))).not.toContain('entries');
  await insert(storage, [newJob(3, { queue: 'b' })]);
  // A new reader begins where the home has noted.
  await using fresh = await redisStorage({ url });
  expect((await eventLog(fresh)).map(({ id }) => id)).toEqual([1, 2, 3].map(idOf));
  expect((await eventLog(storage)).map(({ position }) => position)).toEqual([1, 2, 3]);
});

test('pruning imports the logs without any reader, and positions continue', async () => {
  const prefix = newPrefix();
  await using storage = await redisStorage({ url: urlOf(map, prefix) });
  await storage.migrate();
  await insert(storage, [newJob(1, { queue: 'a' }), newJob(2, { queue: 'b' }), newJob(3)]);
  await storage.upkeep.prune({ ...keepAll, events: { before: t0 + 1, keep: 0 } }, 9);
  await storage.upkeep.prune({ ...keepAll, events: { before: t0 + 1, keep: 0 } }, 9);
  expect(await storage.events(0, 9)).toEqual({ batches: [], oldest: 4, newest: 3, reached: 3 });
  for (const name of ['home', 'b', 'c']) expect(await keysOf(wholeUrlOf(name, prefix))).not.toContain('entries');
  await insert(storage, [newJob(4)]);
  expect((await eventLog(storage, 3)).map(({ position, id }) => [position, id])).toEqual([[4, idOf(4)]]);
});

test('events of no queue follow earlier changes, and every namespace wakes readers', async () => {
  await using storage = await openSharded(map);
  const woken = Promise.withResolvers<void>();
  await using _ = await storage.subscribe((wakes) => {
    if (wakes.some(({ kind }) => kind === 'events')) woken.resolve();
  });
  await insert(storage, [newJob(1)]);
  await woken.promise;
  await storage.record(['["bulk.cancel.completed","b",null,"",null,null,0,null,null,null,{}]'], t0);
  expect((await eventLog(storage)).map(({ kind }) => kind)).toEqual(['job.enqueued', 'bulk.cancel.completed']);
});

test('a namespace that lost its log is read from the beginning again', async () => {
  const prefix = newPrefix();
  await using storage = await redisStorage({ url: urlOf(map, prefix) });
  await storage.migrate();
  await insert(storage, [newJob(1, { queue: 'b' }), newJob(2, { queue: 'b' })]);
  expect(await eventLog(storage)).toHaveLength(2);
  await forgetLog(wholeUrlOf('b', prefix));
  await insert(storage, [newJob(3, { queue: 'b' })]);
  expect((await eventLog(storage)).map(({ id }) => id)).toEqual([1, 2, 3].map(idOf));
});

/** As where the namespace is on a Redis of its own that was restored from an older state. */
async function forgetLog(url: string): Promise<void> {
  const address = readAddress(url);
  const connection = new Connection(address);
  const key = (name: string) => `{${address.namespace}}:${name}`;
  await connection.command('DEL', key('log'), key('entries'));
  await connection.command('HSET', key('store'), 'position', '0');
  await connection.close();
}
