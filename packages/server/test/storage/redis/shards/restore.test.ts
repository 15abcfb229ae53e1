import { expect } from 'vitest';
import { pagesThroughJson, recordsOf } from '../../suite/dump.ts';
import { claim, idOf, ids, insert, limitOf, newJob, t0 } from '../../suite/tools.ts';
import { test } from '../namespace.ts';
import { openSharded } from './stores.ts';

const map = 'home:a;b:b;c:*';

test('an override that no job names yet is restored where the first job under it goes', async () => {
  await using storage = await openSharded(map);
  await storage.registry.overrideLimit('k', { concurrency: 1, rates: [] }, t0);
  await using copy = await openSharded(map);
  await copy.backup.restore(pagesThroughJson(await recordsOf(storage)));
  const limits = [limitOf('k', { concurrency: 5 })];
  await insert(copy, [newJob(1, { limits }), newJob(2, { limits })]);
  expect(ids(await claim(copy, { limit: 2 }))).toEqual([idOf(1)]);
});
