import { stepsKind, valuesKind } from '@ojs-ts/core/durable';
import { State } from '@ojs-ts/core/job';
import { expect, test } from 'vitest';
import { openStorage } from '../../src/storage/open.ts';
import { storages } from '../support/storages.ts';
import { carries } from './dump.ts';
import { fill, pagesThroughJson, recordsOf } from './suite/dump.ts';
import { idOf, t0, to } from './suite/tools.ts';

test.each(storages)('a dump of any store restores the same store: memory and $name', async (storage) => {
  const runs = await carries(storage, { atLeast: 6, atMost: 200, ms: 5_000 });
  expect(runs).toBeGreaterThan(5);
});

test('a dump that passes through every storage, one after the other, has the same records', async () => {
  await using first = await openStorage('memory:');
  await fill(first);
  const id = idOf(5);
  const row = { key: 'charge', version: 1, createdAt: t0, updatedAt: t0 };
  const puts = [
    { ...row, kind: stepsKind(id), body: '{"number":1}' },
    { ...row, kind: valuesKind(id), body: '"\u2028"' },
  ];
  const ends = [to(id, State.active, State.active, { policy: '{"steps":{"past":1}}' })];
  await first.records.commit([{ claims: [{ id, claim: 1 }], puts, ends }], t0 + 9);
  const before = await recordsOf(first);
  let records = before;
  for (const { name, url } of storages) {
    await using storage = await openStorage(url());
    await storage.migrate();
    await storage.backup.restore(pagesThroughJson(records));
    records = await recordsOf(storage);
    expect(new Set(records), name).toEqual(new Set(before));
  }
});
