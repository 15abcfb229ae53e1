import { expect } from 'vitest';
import { keepAll, t0 } from '../../suite/tools.ts';
import { connectAdmin, newSchema, openPostgres, test } from '../schema.ts';

test('retention waits for no heartbeat: who sends one locks the worker before its jobs, retention the other way round', async () => {
  const url = newSchema();
  await using storage = await openPostgres(url);
  const beat = (worker: string) => ({ worker, holds: null, leaseMs: null, state: 'running' as const, info: '{}' });
  await storage.registry.beat([beat('back'), beat('gone')], t0);
  await using heart = await connectAdmin();
  await heart.query('BEGIN');
  await heart.query(
    `SELECT 1 FROM ${new URL(url).searchParams.get('schema')}.workers WHERE worker = 'back' FOR UPDATE`,
  );
  expect(await storage.upkeep.prune({ ...keepAll, workersBefore: t0 + 1 }, 10)).toMatchObject({
    others: { workersBefore: 1 },
  });
  await heart.query('COMMIT');
  expect((await storage.registry.workers()).map(({ worker }) => worker)).toEqual(['back']);
});
