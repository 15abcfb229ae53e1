import { openStorage } from '@ojs-ts/server';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { postgresUrl } from '../../../packages/server/test/support/postgres.ts';
import { redisUrl } from '../../../packages/server/test/support/redis.ts';
import { Fixture, oneOf } from '../src/fixture.ts';
import { localPorts } from '../src/process.ts';
import { freshStore } from '../src/store.ts';

const [postgres, redis] = await Promise.all([postgresUrl(), redisUrl()]);

/** Fills a fresh store, and answers how it is called and whether its sizes and this process's connections show that. */
async function used(url: string): Promise<{
  readonly storage: string;
  readonly settings: string;
  readonly connections: number | null;
  readonly size: number;
}> {
  await using store = await freshStore(url);
  await using storage = await openStorage(store.storage);
  await (await Fixture.open(storage)).insert(20, (index) => ({ limits: [oneOf(`tenant:${index}`)] }));
  const connections = await store.connections(localPorts(process.pid));
  const [size] = await store.sizes();
  return { storage: store.storage, settings: store.settings, connections, size: size?.value ?? 0 };
}

describe('a fresh store in a server is there for one run and leaves nothing', () => {
  test.skipIf(postgres === null)('a schema', async () => {
    const { storage, settings, connections, size } = await used(postgres ?? '');
    expect(settings).toMatch(/^PostgreSQL .+: fsync=\w+ synchronous_commit=\w+/);
    expect(size).toBeGreaterThan(8_192);
    if (process.platform === 'linux') expect(connections).toBeGreaterThanOrEqual(2);
    const client = new pg.Client({ connectionString: postgres ?? '' });
    await client.connect();
    const { rowCount } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [
      new URL(storage).searchParams.get('schema'),
    ]);
    await client.end();
    expect(rowCount).toBe(0);
  });

  test.skipIf(redis === null)('a namespace, keys whose names are no text included', async () => {
    const { storage, settings, connections, size } = await used(redis ?? '');
    expect(settings).toMatch(/^(Redis|Valkey) .+: appendonly=\w+ appendfsync=\w+/);
    expect(size).toBeGreaterThan(20);
    if (process.platform === 'linux') expect(connections).toBeGreaterThanOrEqual(2);
    const client = new Redis(redis ?? '');
    const left: Buffer[] = [];
    const match = `{${new URL(storage).searchParams.get('namespace')}}*`;
    for await (const some of client.scanBufferStream({ match, count: 10_000 })) left.push(...some);
    client.disconnect();
    expect(left).toEqual([]);
  });
});

test.each(['postgres://localhost/db?schema=mine', 'redis://localhost?namespace=mine'])(
  'what is somebody’s is refused: %s',
  async (url) => {
    await expect(freshStore(url)).rejects.toThrow('of its own');
  },
);
