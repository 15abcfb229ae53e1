import { manualClock } from '@ojs-ts/core';
import { type ReadEnvelope, readEnvelope, State } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { bench } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { storages } from '../../support/storages.ts';

const now = manualClock().now();
const later = '2026-06-01T00:00:00Z';

interface Wanted {
  readonly key: number;
  readonly value: number;
  readonly onConflict?: string;
  readonly at?: string;
}

/** A job whose unique key is its first argument. */
function keyed({ key, value, onConflict = 'replace_except_schedule', at }: Wanted): ReadEnvelope {
  const unique = { keys: ['type', 'args'], args_keys: ['0'], on_conflict: onConflict };
  const options = { queue: 'q', unique, ...(at !== undefined && { scheduled_at: at }) };
  return readEnvelope(JSON.stringify({ type: 'a.b', args: [key, value], options }), now, newId);
}

const argsOf = ({ envelope }: { readonly envelope: string }) =>
  (JSON.parse(envelope) as { readonly args: unknown }).args;

describe.each(storages)('a batch with jobs that change scheduled ones in place, $name', ({ url }) => {
  test('does not change a job that a later one replaces', async () => {
    await using b = await bench(url());
    const there = keyed({ key: 1, value: 1, at: later });
    await b.engine.jobs.push([there]);
    const last = keyed({ key: 1, value: 3, onConflict: 'replace', at: later });
    const pushed = await b.engine.jobs.push([keyed({ key: 1, value: 2 }), last]);
    expect(pushed).toMatchObject({
      kind: 'pushed',
      items: [
        { kind: 'deduplicated', updated: false, job: { id: there.job.id, state: State.cancelled } },
        { kind: 'created', replaced: [there.job.id] },
      ],
    });
    expect(argsOf(await b.get(last.job.id))).toEqual([1, 3]);
  });

  test('looks up its keys twice, however many jobs have the same key', async () => {
    const storage = await openStorage(url());
    let inserts = 0;
    const counting = {
      ...storage.jobs,
      insert: (...args: Parameters<Storage['jobs']['insert']>) => {
        inserts += 1;
        return storage.jobs.insert(...args);
      },
    };
    await using b = await bench('', {
      storage: new Proxy(storage, { get: (whole, name) => (name === 'jobs' ? counting : Reflect.get(whole, name)) }),
    });
    const pushed = await b.engine.jobs.push(
      Array.from({ length: 50 }, (_, value) => keyed({ key: 1, value, at: later })),
    );
    expect(pushed).toMatchObject({ kind: 'pushed' });
    expect(inserts).toBe(2);
  });
});
