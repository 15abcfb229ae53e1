import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryStorage } from '../../packages/server/src/storage/memory/memory.ts';
import { openStorage } from '../../packages/server/src/storage/open.ts';
import type { Storage } from '../../packages/server/src/storage/storage.ts';
import { compare, script } from '../../packages/server/test/storage/model.ts';
import { exerciseStorage } from '../../packages/server/test/storage/suite/exercise.ts';
import { findProgram } from '../../packages/server/test/support/instance.ts';
import { startPostgres } from '../../packages/server/test/support/postgres.ts';
import { checkProperty } from '../../packages/server/test/support/property.ts';
import { startRedis, startRedisCluster } from '../../packages/server/test/support/redis.ts';
import { within } from '../../packages/server/test/support/storages.ts';
import { installationOf, postgresVersions } from './install.ts';

interface Subject {
  readonly name: string;
  readonly namespace: 'schema' | 'namespace';
  readonly start: () => Promise<{ readonly url: string } & AsyncDisposable>;
}

/** The whole contract on servers that the other tests do not run on. */
const subjects: readonly Subject[] = [
  ...postgresVersions.map((version): Subject => {
    return {
      name: `PostgreSQL ${version}`,
      namespace: 'schema',
      start: () => startPostgres({ installation: installationOf(version) }),
    };
  }),
  ...redis('Redis', 'redis-server'),
  ...redis('Valkey', 'valkey-server'),
  ...redis('a cluster of three', 'redis-server', startRedisCluster),
];

describe.each(subjects)('$name', ({ name, namespace, start }) => {
  let server: Awaited<ReturnType<Subject['start']>>;
  let url: () => string;
  beforeAll(async () => {
    server = await start();
    // Making the tables takes longer than most cases; a namespace of Redis costs nothing, and in a cluster each is on
    // another node.
    const schema = within(server.url, namespace);
    url = namespace === 'schema' ? () => schema : () => within(server.url, namespace);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const open = async (options = {}): Promise<Storage> => {
    const storage = await openStorage(url(), options);
    await storage.migrate();
    await storage.clear();
    return storage;
  };
  exerciseStorage({ name: `on ${name}`, open, openUnlogged: () => open({ events: false }) });

  test('gives the answers of memory and keeps its rows', async () => {
    await using model = memoryStorage();
    await using subject = await open();
    let runs = 0;
    const property = fc.asyncProperty(script, async (turns) => {
      runs += 1;
      await compare(model, subject, turns);
    });
    await checkProperty(property, { atLeast: 21, atMost: 500, ms: 10_000 });
    expect(runs).toBeGreaterThan(20);
  });
});

function redis(
  title: string,
  program: string,
  start: (options: { binary: string }) => ReturnType<Subject['start']> = startRedis,
): Subject[] {
  const directory = findProgram(program);
  if (directory !== null)
    return [{ name: title, namespace: 'namespace', start: () => start({ binary: `${directory}/${program}` }) }];
  const missing = `${program} is not on this machine; install it (Debian: apt-get install ${program})`;
  if (process.env.CI) throw new Error(missing);
  console.warn(`The tests on ${title} are skipped: ${missing}.`);
  return [];
}
