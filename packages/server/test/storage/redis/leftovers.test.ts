import { expect } from 'vitest';
import { Documents } from '../../../src/engine/documents.ts';
import { redisMemory } from '../../../src/storage/redis/memory-report.ts';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import { cronsOf } from '../crons-of.ts';
import { insert, newJob, newNode, newWorkflow, t0 } from '../suite/tools.ts';
import { keysOf, namespaceUrl, test } from './namespace.ts';

test('crons, documents and workers that were removed leave no key', async () => {
  const url = namespaceUrl();
  await using storage = await redisStorage({ url });
  await storage.migrate();
  const before = await keysOf(url);
  await cronsOf(storage).put({ name: 'due', spec: '{}', enabled: true, dueAt: t0 }, t0);
  await new Documents(storage.records).put('schema', 'a', '{}', null, t0);
  await storage.registry.beat([{ worker: 'w', holds: [], leaseMs: null, state: 'running', info: '{}' }], t0);
  expect((await keysOf(url)).length).toBeGreaterThan(before.length);
  await cronsOf(storage).remove('due');
  await new Documents(storage.records).remove('schema', 'a');
  await storage.registry.forgetWorker('w');
  expect(await keysOf(url)).toEqual(before);
});

test('the report shows how much memory each kind of key takes', async () => {
  const url = namespaceUrl();
  await using storage = await redisStorage({ url });
  await storage.migrate();
  const jobs = Array.from({ length: 1500 }, (_, number) => newJob(number, { envelope: `"${'x'.repeat(1000)}"` }));
  await insert(storage, jobs);
  await storage.workflows.create(newWorkflow(), [newNode(0)], [], t0);
  const { kinds, keys, bytes } = await redisMemory(url);
  expect(kinds[0]).toMatchObject({ kind: 'jobs', keys: 1 });
  expect(kinds[0]?.bytes).toBeGreaterThan(1500 * 1000);
  expect(kinds.find(({ kind }) => kind === 'workflow nodes')).toMatchObject({ keys: 1 });
  expect(keys).toBe((await keysOf(url)).length);
  expect(bytes).toBe(kinds.reduce((sum, kind) => sum + kind.bytes, 0));
});
