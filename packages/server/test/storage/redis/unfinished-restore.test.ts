import { expect, vi } from 'vitest';
import { Engine } from '../../../src/engine/engine.ts';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import type { DumpRecord, Storage } from '../../../src/storage/storage.ts';
import { pagesThroughJson, recordsOf } from '../suite/dump.ts';
import { idOf, insert, newJob } from '../suite/tools.ts';
import { namespaceUrl, test } from './namespace.ts';
import { newPrefix, openSharded, urlOf } from './shards/stores.ts';

const addresses = [
  { name: 'one namespace', url: namespaceUrl },
  { name: 'several namespaces', url: () => urlOf('home:unused;rest:*', newPrefix()) },
];
const unfinished = /^A restore into namespace \S+ has begun and not ended, .* run ojs restore again/;

/** What the store has after a process was killed in the middle of its restore: a restore that goes no further. */
async function restoreHalf(storage: Storage, source: Storage): Promise<void> {
  const pages = await recordsOf(source);
  const half = Promise.withResolvers<void>();
  async function* first(): AsyncGenerator<readonly DumpRecord[]> {
    yield* pagesThroughJson(pages.filter(({ kind }) => kind !== 'job'));
    yield pages.filter(({ kind }) => kind === 'job').slice(0, 2);
    half.resolve();
    await new Promise(() => {});
  }
  void storage.backup.restore(first());
  await half.promise;
}

test.each(addresses)(
  'a server refuses a store whose restore was killed, and the next restore begins anew: $name',
  async ({ url }) => {
    await using source = await openSharded('one:*');
    await insert(
      source,
      [1, 2, 3, 4, 5].map((number) => newJob(number)),
    );
    const address = url();
    await using killed = await redisStorage({ url: address });
    await killed.migrate();
    await restoreHalf(killed, source);

    await using storage = await redisStorage({ url: address });
    await expect(Engine.start({ storage })).rejects.toThrow(unfinished);
    await expect(storage.ping()).rejects.toThrow(unfinished);
    await expect(storage.diagnose()).rejects.toThrow(unfinished);

    await using again = await redisStorage({ url: address });
    await again.migrate();
    await again.backup.restore(pagesThroughJson(await recordsOf(source)));
    // The clock waits for the answer of the home only: what the others say is known a moment later.
    await vi.waitFor(() => storage.clock().then(() => storage.ping()), 10_000);
    const jobs = await storage.jobs.get([1, 2, 3, 4, 5].map(idOf));
    expect(jobs.filter((job) => job === null)).toEqual([]);
  },
);

test('a restore stops once another one has begun, and leaves what that one wrote', async () => {
  await using source = await openSharded('one:*');
  await insert(
    source,
    [1, 2, 3].map((number) => newJob(number)),
  );
  const url = namespaceUrl();
  await using slow = await redisStorage({ url });
  await slow.migrate();
  const pages = await recordsOf(source);
  const [begun, continued] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  async function* slowly(): AsyncGenerator<readonly DumpRecord[]> {
    yield pages.slice(0, 1);
    begun.resolve();
    await continued.promise;
    yield pages.slice(1);
  }
  const former = slow.backup.restore(slowly());
  await begun.promise;
  await using storage = await redisStorage({ url });
  await storage.backup.restore(pagesThroughJson(pages));
  continued.resolve();
  await expect(former).rejects.toThrow('another restore has begun');
  expect(new Set(await recordsOf(storage))).toEqual(new Set(pages));
});
