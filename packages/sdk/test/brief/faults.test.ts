import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { docs, rowsOf, wrongProofs } from './proofs.ts';

const rows = rowsOf(readFileSync(join(docs, 'comparison.md'), 'utf8'));
/** How many the study has of each letter. */
const counts = { P: 7, F: 3, R: 10, C: 9, T: 4 };

test('docs/internals/comparison.md has every letter of the study, once', () => {
  const letters = Object.entries(counts).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, at) => `${letter}${at + 1}`),
  );
  expect(rows.flatMap(([first = '']) => (/^[A-Z]\d+$/.test(first) ? [first] : []))).toEqual(letters);
});

test('every row of docs/internals/comparison.md is whole, and every test that it names is there', () => {
  expect(rows.length).toBeGreaterThan(35);
  expect(rows.filter((cells) => cells.includes(''))).toEqual([]);
  expect(rows.flatMap((cells) => wrongProofs(cells.at(-1) ?? ''))).toEqual([]);
});
