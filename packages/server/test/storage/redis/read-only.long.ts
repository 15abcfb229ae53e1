import { Redis } from 'ioredis';

import { survivesReadOnly } from '../../support/read-only-store.ts';
import { startRedis } from '../../support/redis.ts';
import { test } from './namespace.ts';

test('a server whose Redis has become a replica says so, and goes on when it is no longer', async () => {
  await using instance = await startRedis();
  await using ending = new AsyncDisposableStack();
  const admin = ending.adopt(new Redis(instance.url), (client) => client.disconnect());
  await survivesReadOnly(instance.url, {
    // Of a master that nobody can reach.
    lock: () => admin.replicaof('127.0.0.1', 1),
    unlock: () => admin.replicaof('NO', 'ONE'),
  });
});
