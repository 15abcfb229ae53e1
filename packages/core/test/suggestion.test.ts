import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { didYouMean, editDistance, nearestName } from '../src/index.ts';
import { words } from './support/text.ts';

const options = words(`
  priority maxAttempts initialInterval onExhaustion timeout timeoutMs concurrency scheduledAt queue tags
`);

describe('the nearest name', () => {
  test.each([
    ['prioritty', 'priority'],
    ['attempts', 'maxAttempts'],
    ['max_attempts', 'maxAttempts'],
    ['timeOut', 'timeout'],
    ['timout', 'timeout'],
    ['concurency', 'concurrency'],
    ['onExhausted', 'onExhaustion'],
    ['scheduled_at', 'scheduledAt'],
    ['tag', 'tags'],
    ['quuee', 'queue'],
  ])('%s means %s', (given, meant) => expect(nearestName(given, options)).toBe(meant));

  test.each(['', 'x', 'colour', 'p'.repeat(65), 'p'.repeat(1_000_000)])(
    'a word unlike all of them means none',
    (given) => {
      expect(nearestName(given, options)).toBeUndefined();
      expect(didYouMean(given, options)).toBe('');
    },
  );

  test('the sentence ends a message', () => expect(didYouMean('prioritty', options)).toBe(' Did you mean priority?'));

  test('a name with one letter added, removed, replaced or swapped gets a suggestion', () => {
    const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz_ABC');
    const change = fc.record({
      name: fc.constantFrom(...options),
      at: fc.nat(),
      letter,
      kind: fc.constantFrom('add', 'remove', 'replace', 'swap'),
    });
    fc.assert(
      fc.property(change, ({ name, at: place, letter: added, kind }) => {
        const at = place % name.length;
        const rest = name.slice(at + 1);
        const changed = {
          add: name.slice(0, at) + added + name.slice(at),
          remove: name.slice(0, at) + rest,
          replace: name.slice(0, at) + added + rest,
          swap: name.slice(0, at) + rest.slice(0, 1) + name.charAt(at) + rest.slice(1),
        }[kind];
        const found = nearestName(changed, options);
        expect(found).toBeDefined();
        expect(editDistance(changed, found ?? '')).toBeLessThanOrEqual(1);
      }),
    );
  });
});

test('the distance is the same in both directions, and 0 only for the same word', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
    }),
  );
});
