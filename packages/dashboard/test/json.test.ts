import fc from 'fast-check';
import { expect, test } from 'vitest';

interface Problem {
  readonly message: string;
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

const {
  problemOf,
  pretty,
}: { readonly problemOf: (text: string) => Problem | null; readonly pretty: (text: string, key?: string) => string } =
  await import(new URL('../playground-page/playground/json.js', import.meta.url).href);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

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
  ['[1.]', 1, 2, 'Not a valid JSON number'],
  ['["a\nb"]', 1, 4, 'A string cannot span lines; write \\n for a line break'],
  ['["a\\xb"]', 1, 4, 'Unknown escape; write \\\\ for a backslash'],
  ['["a', 1, 2, 'The string has no closing quote'],
  ['{\n"a": [\n1', 3, 2, 'The text ends before the ] of what begins in line 2'],
  ['{\n"a": 1,', 2, 8, 'The text ends within the object that begins in line 1'],
  ['{} {}', 1, 4, 'There is more text after the end of the value'],
  ['["😀", x]', 1, 7, 'x is no value; strings are in double quotes'],
  ['['.repeat(600), 1, 502, 'More than 500 levels of nesting'],
])('%j is wrong in line %i, column %i', (text, line, column, message) => {
  expect(problemOf(text)).toMatchObject({ line, column, message });
});

test('the parser accepts exactly what JSON.parse accepts', () => {
  const almost = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom(
        '',
        ',',
        '"',
        '\\',
        '{',
        '}',
        '[',
        ']',
        ':',
        '0',
        '-',
        '.',
        'e',
        '\n',
        ' ',
        '\u0001',
        '\u007f',
        '\ud800',
      ),
    )
    .map(([text, at, sign]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + sign + text.slice(place + (at % 2));
    });
  fc.assert(
    fc.property(fc.oneof(fc.json(), almost), (text) => (problemOf(text) === null) === isJson(text)),
    { numRuns: 2_000 },
  );
});

test('formatting keeps the value, and formatting again changes nothing', () => {
  fc.assert(
    fc.property(fc.json({ noUnicodeString: false }), (text) => {
      const once = pretty(text);
      expect(JSON.stringify(JSON.parse(once))).toBe(JSON.stringify(JSON.parse(text)));
      expect(pretty(once)).toBe(once);
    }),
  );
});

test('formatting keeps literals and duplicate keys', () => {
  const text = '{"big":12345678901234567890123,"float":1.0e3,"zero":-0,"escape":"\\u0041\\/","big":[1.10]}';
  expect(pretty(text)).toBe(
    '{\n  "big": 12345678901234567890123,\n  "float": 1.0e3,\n  "zero": -0,\n  "escape": "\\u0041\\/",\n  "big": [1.10]\n}',
  );
  expect(pretty('{"job":{"n":1.0},"id":"x"}', 'job')).toBe('{\n  "n": 1.0\n}');
  expect(pretty('no JSON')).toBe('no JSON');
});
