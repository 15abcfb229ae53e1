import pg from 'pg';
import { expect } from 'vitest';
import { Documents } from '../../../../src/engine/documents.ts';
import type { DumpRecord } from '../../../../src/storage/storage.ts';
import { newSchema, openPostgres, server, test } from '../schema.ts';

test('a dump may be read slowly: longer than any other transaction may idle', async () => {
  const url = newSchema();
  await using storage = await openPostgres(url);
  const admin = new pg.Client({ connectionString: server ?? '' });
  await admin.connect();
  async function* pages(): AsyncIterable<readonly DumpRecord[]> {
    yield [{ kind: 'store', record: { seed: 1, leaseKey: '', position: 0, lastStart: 0 } }];
    const idle = `SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND state = 'idle in transaction' AND clock_timestamp() - state_change < '5.5 s'`;
    while ((await admin.query(idle, [`ojs ${new URL(url).searchParams.get('schema')}`])).rows.length > 0);
    yield [{ kind: 'record', record: { kind: 'k', key: 'a', version: 1, body: '{}', createdAt: 1, updatedAt: 1 } }];
  }
  await storage.backup.restore(pages());
  expect((await new Documents(storage.records).get('k', 'a'))?.body).toBe('{}');
  await admin.end();
});
