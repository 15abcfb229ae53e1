// lab/docs/reliability.md is made from the figures of the last runs: `npm run reliability -- --page` after a change.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
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

test('at least 42 bugs are planted, 21 of them drawn', async () => {
  const bugs = await plantedBugs();
  expect(bugs.length).toBeGreaterThanOrEqual(42);
  expect(bugs.filter(({ table }) => table === 'cases')).toHaveLength(21);
});

test('a bug that its instrument missed has a reason', () => {
  const missed = readFigures()['planted bugs']?.findings.filter(({ found }) => found === null) ?? [];
  expect(missed.filter(({ name }) => reasons[name] === undefined)).toEqual([]);
});
