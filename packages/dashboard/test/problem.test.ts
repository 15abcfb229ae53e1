import { readDocument } from '@ojs-ts/core/json';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { beginningOf, textOf } from '../app/json/document.ts';
import { problemOf } from '../app/json/problem.ts';

test.each([
  ['', 1, 1, 'The text ends where a value was expected'],
  ['{\n  "type": "hello",\n  "args": [1,]\n}', 3, 13, 'A comma before ] is not allowed'],
  ['{"a": 1,\n}', 1, 8, 'A comma before } is not allowed'],
  ['{"a": 1\n "b": 2}', 2, 2, 'Expected , or }'],
  ['{"a" 1}', 1, 6, 'Expected : after the key "a"'],
  ['{a: 1}', 1, 2, 'Expected a key in double quotes'],
  ["['a']", 1, 2, 'Strings are in double quotes'],
  ['[tru]', 1, 2, 'tru is no value; strings are in double quotes'],
  ['[01]', 1, 2, 'Not a valid JSON number'],
  ['1.', 1, 1, 'Not a valid JSON number'],
  ['[nullable]', 1, 2, 'nullable is no value; strings are in double quotes'],
  ['[1x]', 1, 3, 'Expected , or ]'],
  ['{"a": +1}', 1, 7, 'Expected a value, not +'],
  ['[1}', 1, 3, 'Expected , or ]'],
  [`${'['.repeat(501)}1`, 1, 502, 'More than 500 levels of nesting'],
  ['["a\nb"]', 1, 4, 'A string cannot span lines; write \\n for a line break'],
  ['["a\\xb"]', 1, 4, 'Unknown escape; write \\\\ for a backslash'],
  ['["a', 1, 2, 'The string has no closing quote'],
  ['{\n"a": [\n1', 3, 2, 'The text ends before the ] of what begins in line 2'],
  ['{} {}', 1, 4, 'There is more text after the end of the value'],
  ['["😀", x]', 1, 7, 'x is no value; strings are in double quotes'],
])('%j is wrong in line %i, column %i', (text, line, column, message) => {
  expect(problemOf(text)).toMatchObject({ line, column, message });
});

test('exactly what JSON.parse accepts has no problem', () => {
  const almost = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', ',', '"', '}', ']', '{', '[', '0', '-', '.', 'e', '\\', '\n', 'n', ' '),
    )
    .map(([text, at, mark]) => text.slice(0, at % (text.length + 1)) + mark + text.slice((at % (text.length + 1)) + 1));
  fc.assert(
    fc.property(fc.oneof(fc.json(), almost), (text) => {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      expect(problemOf(text) === null).toBe(isJson);
    }),
  );
});

test('the beginning of a document is that of its text', () => {
  fc.assert(
    fc.property(fc.json(), fc.integer({ min: 5, max: 80 }), (text, length) => {
      const node = readDocument(text);
      const beginning = beginningOf(node, length).replace(/…$/, '');
      expect(textOf(node).startsWith(beginning)).toBe(true);
      expect(beginning.length).toBeGreaterThanOrEqual(Math.min(length, textOf(node).length - 1));
    }),
  );
});
