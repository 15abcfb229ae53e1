import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { textOf, vectors } from './vectors/vectors.ts';

test.each(Object.entries(vectors))(
  'vectors/%s.json has what core answers; vectors/write.ts writes it',
  (subject, rules) => {
    const file = readFileSync(new URL(`vectors/${subject}.json`, import.meta.url), 'utf8');
    const expected = Object.entries(rules).map(([rule, list]) => [rule, list.map((one) => JSON.parse(textOf(one)))]);
    expect(JSON.parse(file)).toEqual(Object.fromEntries(expected));
  },
);
