import { test } from 'vitest';
import { redisStorage } from '../../src/storage/redis/redis.ts';
import { openRedis, server } from './redis/namespace.ts';
import { exerciseStorage } from './suite/exercise.ts';

if (server === null) test.skip('there is no Redis on this machine', () => {});
else {
  exerciseStorage({
    name: 'redis',
    open: () => openRedis((url) => redisStorage({ url })),
    openUnlogged: () => openRedis((url) => redisStorage({ url, events: false })),
  });
}
