import { expect } from 'vitest';
import { pagesThroughJson } from '../../suite/dump.ts';
import { t0 } from '../../suite/tools.ts';
import { openPostgres, test } from '../schema.ts';

test('a store that has only seen a heartbeat is not empty', async () => {
  await using storage = await openPostgres();
  await storage.registry.beat([{ worker: 'w', holds: [], leaseMs: null, state: 'running', info: '{}' }], t0);
  await expect(storage.backup.restore(pagesThroughJson([]))).rejects.toThrow(/is not empty/);
});
