import { expect, test } from 'vitest';
import { locate } from '../../../conformance/mutations/locate.ts';
import { mutants } from '../src/mutants.ts';

test.each(mutants)('the planted bug $name fits the code that it changes', (mutant) => {
  expect(locate(mutant).replace).toBe(mutant.replace);
});

test('names of planted bugs are unique', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});
