import { expect, test } from 'vitest';
import { errorKinds } from '../src/errors.ts';

test.each(['canonical', 'ojs'] as const)('no two errors have the same %s name', (member) => {
  const names = Object.values(errorKinds).map((kind) => kind[member]);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});
