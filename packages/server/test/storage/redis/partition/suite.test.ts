import { test } from 'vitest';
import { exerciseStorage } from '../../suite/exercise.ts';
import { server } from '../namespace.ts';
import { skip, three } from './crossing.ts';
import { openPartitioned } from './stores.ts';

if (server === null) test.skip('there is no Redis on this machine', () => {});
else {
  exerciseStorage({
    name: 'redis, one namespace of a map',
    open: () => openPartitioned('home:*'),
    openUnlogged: () => openPartitioned('home:*', false),
  });
  exerciseStorage({
    name: 'redis, three namespaces',
    open: () => openPartitioned(three),
    openUnlogged: () => openPartitioned(three, false),
    skip,
  });
}
