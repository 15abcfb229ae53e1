import { describe, expect, test } from 'vitest';
import { measured } from '../../../src/engine/telemetry/measured-storage.ts';
import { Telemetry } from '../../../src/engine/telemetry/telemetry.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { StoreUnavailable, StoreUnwritable } from '../../../src/storage/unavailable.ts';
import { newJob } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

/** The names of all functions, also of those of a class. */
function functionsOf(value: object): readonly string[] {
  const names = new Set<string>();
  for (let one: object | null = value; one !== null && one !== Object.prototype; one = Object.getPrototypeOf(one))
    for (const name of Object.getOwnPropertyNames(one)) names.add(name);
  return [...names]
    .filter((name) => name !== 'constructor' && typeof Reflect.get(value, name) === 'function')
    .toSorted();
}

function counted(telemetry: Telemetry, operation: string): number {
  const family = telemetry.storage.family();
  const sample = [...family.samples].find(({ labels }) => labels.operation === operation);
  return sample !== undefined && 'cumulative' in sample ? (sample.cumulative.at(-1) ?? 0) : 0;
}

describe.each(storages)('$name', ({ url }) => {
  test('every part of the storage is there', async () => {
    await using storage = await openStorage(url());
    const wrapped = measured(storage, new Telemetry());
    for (const part of ['jobs', 'upkeep', 'registry', 'workflows', 'records', 'inbox'] as const) {
      const [own, around] = [storage[part], wrapped[part]];
      expect(around === null).toBe(own === null);
      if (own === null || around === null) continue;
      // The storage may have more than the interface asks for.
      for (const name of functionsOf(around)) expect(functionsOf(own)).toContain(name);
    }
    expect(wrapped.verify === undefined).toBe(storage.verify === undefined);
    expect(wrapped.traits).toBe(storage.traits);
  });

  test('calls answer as before, and are counted', async () => {
    await using storage = await openStorage(url());
    await storage.migrate();
    const telemetry = new Telemetry();
    const { jobs } = measured(storage, telemetry);
    const job = newJob(Date.now());
    expect(await jobs.insert([[job]], Date.now())).toMatchObject([[{ kind: 'inserted' }]]);
    expect(await jobs.get([job.id])).toMatchObject([{ id: job.id }]);
    expect(await jobs.get([job.id])).toHaveLength(1);
    expect(['jobs.insert', 'jobs.get', 'jobs.claim'].map((name) => counted(telemetry, name))).toEqual([1, 2, 0]);
    expect(telemetry.storageErrors.family().samples).toEqual([]);
  });
});

test('a failure is counted by its reason, and thrown as it is', async () => {
  await using storage = await openStorage('memory:');
  const telemetry = new Telemetry();
  const { records } = measured(storage, telemetry);
  const errors = [new StoreUnavailable('away'), new StoreUnwritable('full', 'no room'), new Error('a bug')];
  for (const error of errors) {
    storage.records.get = () => Promise.reject(error);
    await expect(records.get([])).rejects.toBe(error);
  }
  expect(telemetry.storageErrors.family().samples).toMatchObject(
    ['unavailable', 'full', 'error'].map((code) => ({ labels: { operation: 'records.get', code }, value: 1 })),
  );
  expect(counted(telemetry, 'records.get')).toBe(3);
});
