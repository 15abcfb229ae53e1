import { test } from 'vitest';
import { exerciseStorage } from '../../suite/exercise.ts';
import { server } from '../namespace.ts';
import { skip, three } from './cross-shard.ts';
import { openSharded } from './stores.ts';

if (server === null) test.skip('there is no Redis on this machine', () => {});
else {
  exerciseStorage({
    name: 'redis, one namespace of a map',
    open: () => openSharded('home:*'),
    openUnlogged: () => openSharded('home:*', false),
  });
  exerciseStorage({
    name: 'redis, three namespaces',
    open: () => openSharded(three),
    openUnlogged: () => openSharded(three, false),
    skip,
  });
}
