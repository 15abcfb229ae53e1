import fc from 'fast-check';
import { expect, test } from 'vitest';
import { layOut } from '../app/json/layout.ts';
import { positionOf } from '../app/json/position.ts';

test('formatting keeps the value, and formatting again changes nothing', () => {
  fc.assert(
    fc.property(fc.json({ noUnicodeString: false }), (text) => {
      const once = layOut(text);
      expect(JSON.stringify(JSON.parse(once))).toBe(JSON.stringify(JSON.parse(text)));
      expect(layOut(once)).toBe(once);
    }),
  );
});

test('formatting keeps literals and duplicate keys, and short lists on one line', () => {
  const text = '{"big":12345678901234567890123,"float":1.0e3,"zero":-0,"escape":"\\u0041\\/","big":[1.10,2],"none":{}}';
  expect(layOut(text)).toBe(
    '{\n  "big": 12345678901234567890123,\n  "float": 1.0e3,\n  "zero": -0,\n  "escape": "\\u0041\\/",\n  "big": [1.10, 2],\n  "none": {}\n}',
  );
});

type Tree = number | string | boolean | readonly Tree[] | { readonly [key: string]: Tree };

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z_]{1,6}$/), tie('tree'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

/** Each path with the value there. */
function pathsOf(value: Tree, path: string): readonly (readonly [path: string, value: Tree])[] {
  if (typeof value !== 'object') return [[path, value]];
  const below = Array.isArray(value)
    ? value.flatMap((item: Tree, index) => pathsOf(item, `${path}[${index}]`))
    : Object.entries(value).flatMap(([key, member]) => pathsOf(member, `${path}.${key}`));
  return [[path, value], ...below];
}

test('the position of a path is where its value begins', () => {
  fc.assert(
    fc.property(tree, fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      for (const [path, part] of pathsOf(value, '$')) {
        const { offset, line, column } = positionOf(text, path) ?? { offset: -1, line: 0, column: 0 };
        const start = JSON.stringify(part)[0] ?? '';
        expect(text.startsWith(typeof part === 'object' ? start : JSON.stringify(part), offset), path).toBe(true);
        expect([...(text.split('\n')[line - 1] ?? '')].slice(column - 1).join('')).toBe(
          text.slice(offset).split('\n')[0],
        );
      }
    }),
  );
});

test('a missing member is where its object begins; a text that is no JSON may have no place', () => {
  expect(positionOf('{\n "a": {"b": [1, 2]}}', '$.a.c.d')).toEqual({ offset: 8, line: 2, column: 7 });
  expect(positionOf('{"a": [1, 2]}', '$.a[2]')).toMatchObject({ offset: 6 });
  expect(positionOf('', '$.a')).toBeNull();
});
