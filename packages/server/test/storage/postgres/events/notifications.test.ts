import pg from 'pg';
import { expect } from 'vitest';
import { postgresStorage } from '../../../../src/storage/postgres/postgres.ts';
import type { Wake } from '../../../../src/storage/storage.ts';
import { storeProxy } from '../../../support/store-proxy.ts';
import { connectAdmin, newSchema, openPostgres, test } from '../schema.ts';

test('a foreign notice, which any role may send, wakes all and does no harm', async () => {
  const url = newSchema();
  await using storage = await openPostgres(url);
  const woken: Wake[] = [];
  let told = () => {};
  await using _ = await storage.subscribe((wakes) => {
    woken.push(...wakes);
    told();
  });
  await using stranger = await connectAdmin();
  for (const payload of ['', 'now', 'null', '{"from":"x","queues":5}', '[]']) {
    woken.length = 0;
    const heard = new Promise<void>((resolve) => {
      told = resolve;
    });
    await stranger.query('SELECT pg_notify($1, $2)', [`ojs_${new URL(url).searchParams.get('schema')}`, payload]);
    await heard;
    expect(woken).toContainEqual({ kind: 'queue', queue: null });
  }
});

test('namespaces with the longest names notify each other', async () => {
  const schema = new URL(newSchema()).searchParams.get('schema') ?? '';
  const url = newSchema({ schema: schema.padEnd(63, 'x') });
  await using one = await openPostgres(url);
  await using other = postgresStorage({ url });
  const heard = new Promise<void>((resolve) => {
    void other
      .subscribe((wakes) => {
        if (wakes.some(({ kind }) => kind === 'events')) resolve();
      })
      .then(() => one.record(['["x"]'], 1));
  });
  await heard;
});

test('a storage closes although its listening connection is dead', async () => {
  const url = newSchema();
  await using other = await openPostgres(url);
  await using proxy = await storeProxy(url);
  const storage = postgresStorage({ url: proxy.url });
  await storage.subscribe(() => {});
  const dead = proxy.blackHole();
  const last = new pg.Client({ connectionString: proxy.url });
  last.connect().catch(() => {});
  await dead;
  await storage[Symbol.asyncDispose]();
  await other.ping();
});
