import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlabMap } from '../src/slab-map.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd');
const step = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  fc.record({ kind: fc.constantFrom('clear' as const), key }),
);

test('holds what a Map holds', () => {
  const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const slab = new SlabMap<{ readonly at: number }>();
    const map = new Map<string, { readonly at: number }>();
    steps.forEach(({ kind, key }, at) => {
      for (const one of [slab, map]) {
        if (kind === 'set') one.set(key, { at });
        else if (kind === 'delete') one.delete(key);
        else one.clear();
      }
      expect(slab.size).toBe(map.size);
      expect(new Set([...slab.values()].map(({ at }) => at))).toEqual(new Set([...map.values()].map(({ at }) => at)));
      for (const one of ['a', 'b', 'c', 'd']) expect(slab.get(one)).toEqual(map.get(one));
    });
  });
  fc.assert(property);
});

test('a set answers what was there; a value that is no longer there deletes nothing', () => {
  const slab = new SlabMap<{ readonly at: number }>();
  const [first, second] = [{ at: 1 }, { at: 2 }];
  expect(slab.set('a', first)).toBeUndefined();
  expect(slab.set('a', second)).toBe(first);
  expect(slab.delete('a', first)).toBe(false);
  expect(slab.get('a')).toBe(second);
  expect(slab.delete('a', second)).toBe(true);
  expect(slab.delete('a')).toBe(false);
  expect(slab.set('a', first)).toBeUndefined();
});
