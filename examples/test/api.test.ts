import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readReference } from '../../scripts/api.ts';

const folder = resolve(import.meta.dirname, '../../docs/api');

test('the API reference is what `npm run docs:api` writes, and everything exported has a docstring', () => {
  const { pages, undocumented } = readReference();
  expect(undocumented).toEqual([]);
  expect(readdirSync(folder).toSorted()).toEqual([...pages.keys()].toSorted());
  for (const [name, text] of pages) expect(readFileSync(resolve(folder, name), 'utf8')).toBe(text);
});
