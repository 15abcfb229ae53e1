import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventEntries } from '../../src/events/entries.ts';
import { commonKinds, eventKinds, indexedKinds, indexedOnly, kindMask, kindsIn } from '../../src/events/kinds.ts';

const kinds = fc.uniqueArray(fc.constantFrom(...eventKinds));
const entryOf = (kind: string) => `["${kind}",null,null,"",null,null,0,null,null,null,{"a":["b","job.failed"]}]`;

test('each kind has a bit of its own, and all of them fit into a number', () => {
  fc.assert(
    fc.property(kinds, (some) => {
      const mask = BigInt(kindMask([...some, ...some]));
      for (const kind of eventKinds) expect((mask & BigInt(kindMask([kind]))) !== 0n).toBe(some.includes(kind));
    }),
  );
  expect(kindMask(eventKinds)).toBeLessThan(2 ** 53);
});

test('an index answers for kinds that are not common', () => {
  expect(indexedOnly(undefined)).toBeNull();
  expect(indexedOnly(['queue.paused', 'job.started'])).toBeNull();
  expect(indexedOnly(indexedKinds)).toEqual(indexedKinds);
  expect([...indexedKinds, ...commonKinds].toSorted()).toEqual(eventKinds.toSorted());
});

test('a batch knows the kinds of its entries, and its text has no fewer', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...eventKinds), { minLength: 1 }), (some) => {
      const entries = new EventEntries();
      entries.add(some.map(entryOf));
      const batch = entries.take();
      const indexed = indexedKinds.filter((kind) => some.includes(kind));
      expect(batch?.kinds.toSorted()).toEqual(indexed.toSorted());
      expect(kindsIn(batch?.entries ?? '')).toEqual(expect.arrayContaining(indexed));
      expect(entries.take()).toBeNull();
    }),
  );
});
