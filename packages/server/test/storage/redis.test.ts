import { test } from 'vitest';
import { openRedis, server } from './redis/namespace.ts';
import { exerciseStorage } from './suite/exercise.ts';

if (server === null) test.skip('there is no Redis on this machine', () => {});
else {
  exerciseStorage({ name: 'redis', open: () => openRedis(), openUnlogged: () => openRedis(false) });
}
