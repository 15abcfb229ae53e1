import { expect, test } from 'vitest';
import { undocumentedExports } from '../../scripts/api.ts';

test('everything that the SDK exports has a docstring', () => {
  expect(undocumentedExports()).toEqual([]);
});
