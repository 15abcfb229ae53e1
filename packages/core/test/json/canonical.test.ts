import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/json/canonical.ts';
import { maxDepth } from '../../src/json/json.ts';
import { sha256 } from '../../src/lifecycle/unique/sha256.ts';
import { cpuMs } from '../support/cpu.ts';
import { compare, fraction } from '../support/fractions.ts';
import { spellings } from '../support/spellings.ts';
import { anyCharacter } from '../support/text.ts';

/** RFC 8785 with NFC of what JavaScript can hold: sort at every level, then `JSON.stringify`. */
function reference(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.normalize('NFC'));
  if (Array.isArray(value)) return `[${value.map(reference).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const named = new Map(Object.entries(value).map(([key, member]) => [key.normalize('NFC'), reference(member)]));
  return `{${[...named.keys()]
    .sort()
    .map((key) => `${JSON.stringify(key)}:${named.get(key)}`)
    .join(',')}}`;
}

describe('canonicalJson (ojs-unique-jobs §4.1, RFC 8785)', () => {
  test('is what sorting and JSON.stringify make of every value that JavaScript holds', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: anyCharacter }), fc.constantFrom(0, 2, '\t'), (value, indent) => {
        expect(canonicalJson(JSON.stringify(value, null, indent))).toBe(reference(value));
      }),
      { numRuns: 500 },
    );
  });

  test('white space, key order, escapes, normal form and the spelling of numbers make no difference', () => {
    fc.assert(
      fc.property(spellings, ([a, b]) => {
        expect(canonicalJson(a)).toBe(canonicalJson(b));
      }),
      { numRuns: 1000 },
    );
  });

  test('the canonical text is its own canonical text', () => {
    fc.assert(
      fc.property(spellings, ([text]) => {
        const canonical = canonicalJson(text);
        expect(canonicalJson(canonical)).toBe(canonical);
      }),
    );
  });

  test('keys are in the order of UTF-16 code units, not of code points', () => {
    expect(canonicalJson('{"\uff21":1,"\u{1f600}":2,"€":3,"ö":4,"a":5,"B":6,"10":7,"9":8,"":9,"\\r":10}')).toBe(
      '{"":9,"\\r":10,"10":7,"9":8,"B":6,"a":5,"ö":4,"€":3,"\u{1f600}":2,"\uff21":1}',
    );
  });

  test('of equal keys the last counts, also of those that are equal in NFC only', () => {
    expect(canonicalJson('{"a":1,"b":2,"\\u0061":3}')).toBe('{"a":3,"b":2}');
    expect(canonicalJson('{"e\u0301":1,"\u00e9":2}')).toBe('{"\u00e9":2}');
    expect(canonicalJson('{"\u00e9":2,"e\\u0301":1}')).toBe('{"\u00e9":1}');
  });

  test('members are own members, whatever their name', () => {
    expect(canonicalJson('{"constructor":1,"__proto__":{"x":1}}')).toBe('{"__proto__":{"x":1},"constructor":1}');
  });

  test('lone surrogates stay apart', () => {
    expect(canonicalJson('"\\ud800"')).not.toBe(canonicalJson('"\\ud801"'));
    expect(canonicalJson('"\ud800"')).toBe(canonicalJson('"\\uD800"'));
    expect(canonicalJson('"\\ud83d\\ude00"')).toBe('"\u{1f600}"');
  });

  test('nests as deep as any document, and no deeper', () => {
    const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
    expect(canonicalJson(nested('[', ']', maxDepth))).toBe(nested('[', ']', maxDepth));
    expect(canonicalJson(nested('{"a":', '}', maxDepth))).toBe(nested('{"a":', '}', maxDepth));
    expect(() => canonicalJson(nested('[', ']', maxDepth + 1))).toThrow('deeper than 64 levels at position 64');
    expect(() => canonicalJson('{"a":['.repeat(100_000))).toThrow('deeper than 64');
  });
});

describe('numbers', () => {
  test.each([
    ['1000', '1.0e3', '1E+3', '0.1e4', '1000.0', '1e03', '10000e-1'],
    ['0', '-0', '0.0', '-0.0e99', '0e999999999', '-0E-5'],
    ['0.1', '0.10', '1e-1', '0.01e1'],
    ['-1.5', '-1.50', '-15e-1'],
    ['1e+21', '1e21', '1000000000000000000000', '1.0E21'],
    ['5e-324', '0.5e-323'],
    ['1.7976931348623157e+308', '17976931348623157e292'],
    // ECMAScript writes 2^53 with all its digits, 2^53 + 1 is no double.
    ['9007199254740992', '9007199254740992.0', '9.007199254740992e15'],
    ['9007199254740993e0', '9007199254740993', '9007199254740993.0', '9.007199254740993E+15'],
    ['-9007199254740993e0', '-9007199254740993'],
    ['123456789012345678901234567890123e-1', '12345678901234567890123456789012.3'],
    // What the double nearest to 0.1 is exactly.
    ['1000000000000000055511151231257827e-34', '0.1000000000000000055511151231257827'],
    ['1e400', '1E400', '10e399', '0.1e401'],
    ['1e-400', '0.1e-399', '100E-402'],
    ['-1e-400', '-0.1e-399'],
    ['1e999999999', '1E+0999999999', '10e999999998'],
    ['12e-999999999', '1.2e-999999998'],
  ])('%s is the form of each of its spellings', (...spelled) => {
    for (const text of spelled) expect(canonicalJson(text)).toBe(spelled[0]);
  });

  const literal = fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.constantFrom('0', '1', '9007199254740992', '9007199254740993', '12'),
      fc.nat(4),
      fc.nat(1200),
    )
    .map(
      ([sign, whole, zeros, n]) =>
        `${sign}${whole}${['', '.0', '.10', `.${'0'.repeat(zeros)}1`][n % 4]}${['', `e${n % 7}`, `E-${n % 5}`, `e${n - 600}`][n % 3]}`,
    );

  test('two forms are equal exactly where the values are', () => {
    fc.assert(
      fc.property(literal, literal, (a, b) => {
        expect(canonicalJson(a) === canonicalJson(b)).toBe(compare(fraction(a), fraction(b)) === 0);
      }),
      { numRuns: 2000 },
    );
  });

  test('different exponents beyond 2^53 stay different', () => {
    const huge = '9'.repeat(30);
    expect(canonicalJson(`1e${huge}`)).toBe(canonicalJson(`1E+00${huge}`));
    expect(
      new Set([`1e${huge}`, `1e-${huge}`, `10e${huge}`, `0.1e${huge}`, `1e${huge}0`, `2e${huge}`].map(canonicalJson))
        .size,
    ).toBe(6);
    expect(canonicalJson('1e9007199254740993')).not.toBe(canonicalJson('1e9007199254740992'));
    expect(canonicalJson('0.1e9007199254740993')).not.toBe(canonicalJson('1e9007199254740991'));
    expect(canonicalJson(`0e${huge}`)).toBe('0');
  });
});

describe('hostile texts', () => {
  const size = 1 << 20;
  test.each([
    ['an exponent of a million digits', `1e${'9'.repeat(size)}`],
    ['a million digits', '1'.repeat(size)],
    ['a million zeros', `0.${'0'.repeat(size)}1`],
    ['large exponents', `[${'1e999999999,'.repeat(size / 12)}1]`],
    ['numbers that are not in ECMAScript form', `[${'0.10,'.repeat(size / 5)}1]`],
    ['escapes', `"${'\\"'.repeat(size / 2)}"`],
    ['one deep value', `${'['.repeat(maxDepth)}${'1,'.repeat(size / 2)}1${']'.repeat(maxDepth)}`],
    ['keys in reverse order', `{${Array.from({ length: size / 10 }, (_, index) => `"${1e6 - index}":1`).join(',')}}`],
    ['one long run of marks out of order', `"a${'\u0301'.repeat(size / 4)}${'\u0316'.repeat(size / 4)}"`],
    ['many runs of marks out of order', `"${`a${'\u0301'.repeat(32)}${'\u0316'.repeat(32)}`.repeat(size / 130)}"`],
  ])('%s cost no more than time that grows with the length', (_, text) => {
    // About 100 ms at most; what grows with the square takes minutes.
    expect(cpuMs(() => expect(canonicalJson(text).length).toBeGreaterThan(0))).toBeLessThan(2000);
  });

  test('a string with too many marks in a row is not normalised', () => {
    const marks = (count: number) => `e\u0301${'\u0316'.repeat(count - 1)}`;
    expect(canonicalJson(JSON.stringify(marks(64)))).toBe(JSON.stringify(marks(64).normalize('NFC')));
    expect(canonicalJson(JSON.stringify(marks(65)))).toBe(JSON.stringify(marks(65)));
  });
});

describe('sha256', () => {
  const expected = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');

  test('is what OpenSSL says, of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 300 }), fc.nat(8), (text, times) => {
        const long = text.repeat(times);
        expect(sha256(long)).toBe(expected(long));
      }),
      { numRuns: 500 },
    );
  });

  test('is right at every length around a block, and after a longer text', () => {
    for (let length = 0; length <= 200; length++) {
      expect(sha256('é'.repeat(length >> 1) + 'x'.repeat(length & 1))).toBe(
        expected('é'.repeat(length >> 1) + 'x'.repeat(length & 1)),
      );
    }
    for (const length of [100, 400, 10_000]) expect(sha256('€'.repeat(length))).toBe(expected('€'.repeat(length)));
    const megabyte = '\u{1f600}'.repeat(1 << 18);
    expect(sha256(megabyte)).toBe(expected(megabyte));
    expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256('\ud800')).toBe(expected('\ufffd'));
  });
});
