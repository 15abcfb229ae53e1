import { expect, test } from 'vitest';
import { readReference } from '../../scripts/api.ts';

test('everything exported has a docstring, and a page of the API reference', () => {
  const { pages, undocumented } = readReference();
  expect(undocumented).toEqual([]);
  expect([...pages.keys()]).toContain('README.md');
});
