import type { RecordChange, StoredRecord } from '@ojs-ts/core/memory';
import fc from 'fast-check';
import { expect } from 'vitest';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { type Cases, t0 } from './tools.ts';

const kinds = ['k', 'l'];
const keys = ['a', 'a/1', 'b', 'é', '%_'];
const name = fc.record({ kind: fc.constantFrom(...kinds), key: fc.constantFrom(...keys) });
const version = fc.integer({ min: 1, max: 3 });
const put: fc.Arbitrary<StoredRecord> = fc
  .record({ name, version, at: fc.nat({ max: 3 }), body: fc.constantFrom('{"n":1.0}', '"\\u0000 ä|\\n"', '7') })
  .map(({ name, version, at, body }) => ({ ...name, version, body, createdAt: t0, updatedAt: t0 + at }));
const change: fc.Arbitrary<RecordChange> = fc.record(
  {
    checks: fc.array(
      fc.record({ name, version: fc.option(version) }).map(({ name, version }) => ({ ...name, version })),
      { maxLength: 2 },
    ),
    puts: fc.uniqueArray(put, { maxLength: 3, selector: ({ kind, key }) => kind + key }),
    deletes: fc.array(name, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const page = fc.record(
  { from: fc.constantFrom(...keys), backwards: fc.boolean(), skip: fc.nat({ max: 2 }), limit: fc.nat({ max: 4 }) },
  { requiredKeys: ['limit'] },
);

/** A record of which only key and version matter. */
const record = (key: string, version: number): StoredRecord => ({
  ...{ kind: 'k', key, version, body: String(version) },
  ...{ createdAt: t0, updatedAt: t0 },
});

async function everything({ records }: Storage): Promise<readonly StoredRecord[]> {
  return (await Promise.all(kinds.map((kind) => records.scan(kind, { limit: 99 })))).flat();
}

/** Removes all without `clear`, which resets much more. */
async function empty(storage: Storage): Promise<void> {
  await storage.records.commit([{ deletes: await everything(storage) }]);
}

export const recordCases: Cases = {
  async 'commits, reads and pages of records answer as those of the memory store'(storage) {
    await using model = memoryStorage();
    const property = fc.asyncProperty(
      fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 5 }),
      page,
      async (commits, page) => {
        await Promise.all([model, storage].map(empty));
        for (const changes of commits) {
          expect(await storage.records.commit(changes)).toEqual(await model.records.commit(changes));
          expect(await everything(storage)).toEqual(await everything(model));
        }
        expect(await storage.records.scan('k', page)).toEqual(await model.records.scan('k', page));
        const names = keys.map((key) => ({ kind: 'k', key }));
        expect(await storage.records.get(names)).toEqual(await model.records.get(names));
      },
    );
    await fc.assert(property, { numRuns: 40 });
  },
  async 'of concurrent changes that check one version, one takes effect, whole'({ records }) {
    const property = fc.asyncProperty(fc.integer({ min: 2, max: 8 }), fc.boolean(), async (callers, isNew) => {
      await records.commit([
        { puts: isNew ? [] : [record('a', 1)], deletes: isNew ? [record('a', 1), record('b', 1)] : [record('b', 1)] },
      ]);
      const answers = await Promise.all(
        Array.from({ length: callers }, (_, caller) =>
          records.commit([
            {
              checks: [{ kind: 'k', key: 'a', version: isNew ? null : 1 }],
              puts: [record('a', caller + 2), record('b', caller + 2)],
            },
          ]),
        ),
      );
      const winner = answers.findIndex(([isDone]) => isDone);
      expect(answers.flat().filter((isDone) => isDone)).toHaveLength(1);
      expect(await records.scan('k', { limit: 9 })).toEqual([record('a', winner + 2), record('b', winner + 2)]);
    });
    await fc.assert(property, { numRuns: 10 });
  },
  async 'concurrent increments that are made again when refused are all counted'({ records }) {
    const increment = async () => {
      for (;;) {
        const [current = null] = await records.get([record('a', 1)]);
        const version = current?.version ?? null;
        const [isDone] = await records.commit([
          { checks: [{ kind: 'k', key: 'a', version }], puts: [record('a', (version ?? 0) + 1)] },
        ]);
        if (isDone) return;
      }
    };
    await Promise.all(Array.from({ length: 12 }, increment));
    expect(await records.get([record('a', 1)])).toEqual([record('a', 12)]);
  },
  async 'a change that is refused changes nothing, and the others of its call take effect'({ records }) {
    const absent = { kind: 'k', key: 'a', version: null };
    expect(
      await records.commit([
        { checks: [absent], puts: [record('a', 1), record('b', 1)] },
        { checks: [absent], puts: [record('a', 2), record('c', 2)], deletes: [record('b', 1)] },
        { checks: [{ ...absent, version: 1 }], puts: [record('d', 1)] },
      ]),
    ).toEqual([true, false, true]);
    expect((await records.scan('k', { limit: 9 })).map(({ key, version }) => [key, version])).toEqual([
      ['a', 1],
      ['b', 1],
      ['d', 1],
    ]);
    expect(await records.commit([])).toEqual([]);
    expect(await records.get([])).toEqual([]);
  },
  async 'a version is any whole number up to the largest that is exact, and a body may be long'({ records }) {
    const large = { ...record('a', Number.MAX_SAFE_INTEGER), body: JSON.stringify('é|\n'.repeat(100_000)) };
    await records.commit([{ puts: [large] }]);
    expect(await records.get([large])).toEqual([large]);
    expect(await records.commit([{ checks: [large], deletes: [large] }])).toEqual([true]);
    expect(await records.scan('k', { limit: 9 })).toEqual([]);
  },
};
