// lab/docs/reliability.md is made from the figures of the last runs: `npm run reliability -- --page` after a change.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { locate } from '../../../conformance/mutations/locate.ts';
import { lossMutations } from '../../chaos/src/power/mutations.ts';
import { readFigures } from '../figures.ts';
import { pageFile, reliabilityPage } from '../page.ts';
import { plantedBugs, reasons } from '../planted.ts';
import { promises } from '../promises.ts';

const root = resolve(import.meta.dirname, '../../..');

test('the page shows the figures of the last runs', () => {
  expect(readFileSync(pageFile, 'utf8')).toBe(reliabilityPage(readFigures()));
});

test('every promise has tests, and each of them exists', () => {
  expect(promises.filter(({ tests }) => tests.length === 0)).toEqual([]);
  const missing = promises.flatMap(({ tests }) => tests.filter(({ file }) => !existsSync(resolve(root, file))));
  expect(missing).toEqual([]);
});

test('at least 25 bugs are planted, half of them drawn by seed; another seed draws others', () => {
  const bugs = plantedBugs(1);
  expect(bugs.length).toBeGreaterThanOrEqual(25);
  expect(bugs.filter(({ drawn }) => drawn !== null)).toHaveLength(bugs.length / 2);
  expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
  expect(plantedBugs(1)).toEqual(bugs);
  expect(plantedBugs(2)).not.toEqual(bugs);
});

test('the planted bugs of the log fit the source', () => {
  for (const mutation of lossMutations) expect(locate(mutation)).toMatchObject({ replace: mutation.replace });
});

test('a bug that its instrument missed has a reason', () => {
  const missed = readFigures()['planted bugs']?.findings.filter(({ found }) => found === null) ?? [];
  expect(missed.filter(({ name }) => reasons[name] === undefined)).toEqual([]);
});
