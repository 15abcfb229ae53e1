import fc from 'fast-check';
import { expect } from 'vitest';
import { memoryStorage } from '../../src/storage/memory/memory.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { checkProperty, type Runs } from '../support/property.ts';
import type { TestStorage } from '../support/storages.ts';
import { remains, script } from './model.ts';
import { pagesThroughJson, recordsOf } from './suite/dump.ts';
import { countErrors, t0 } from './suite/tools.ts';

/**
 * Whatever was done to a store, its dump in another one leaves the same: from memory into the storage, and from the
 * storage into memory. Answers the runs.
 */
export async function carries({ name, url }: TestStorage, limits: Runs): Promise<number> {
  await using model = memoryStorage();
  await using copy = memoryStorage();
  await using subject = await openStorage(url());
  await using restored = await openStorage(url());
  await subject.migrate();
  await restored.migrate();
  let runs = 0;
  const property = fc.asyncProperty(script, async (turns) => {
    runs += 1;
    await Promise.all([model, subject, restored, copy].map((storage: Storage) => storage.clear()));
    let now = t0 + 59_900;
    for (const { passes, steps } of turns) {
      now += passes;
      for (const storage of [model, subject]) for (const { call } of steps) await call(storage, now);
    }
    await restored.backup.restore(pagesThroughJson(await recordsOf(model)));
    await copy.backup.restore(pagesThroughJson(await recordsOf(subject)));
    expect(await countErrors(restored)).toEqual([]);
    expect(await countErrors(copy)).toEqual([]);
    const expected = await remains(model, now);
    expect(await remains(restored, now), `memory to ${name}`).toEqual(expected);
    expect(await remains(copy, now), `${name} to memory`).toEqual(expected);
  });
  await checkProperty(property, limits);
  return runs;
}
