import { describe, expect, test } from 'vitest';
import { CaseError, type JsonValue } from '../src/json.ts';
import { mismatch } from '../src/matchers.ts';

const matches = (matcher: JsonValue, actual: JsonValue | undefined) => mismatch(matcher, actual) === null;
const id = '019461a8-1a2b-7c3d-8e4f-5a6b7c8d9e0f';

/** [matcher, values that fit, values that do not]; test-case-reference.md, "Matcher Reference". */
const table: readonly (readonly [JsonValue, readonly (JsonValue | undefined)[], readonly (JsonValue | undefined)[]])[] =
  [
    ['any', [0, '', false, [], {}], [null, undefined]],
    ['absent', [null, undefined], [0, '', false]],
    ['exists', [null, 0, ''], [undefined]],
    ['string:nonempty', ['a'], ['', 1, undefined]],
    ['string:non_empty', ['a'], ['']],
    ['string:uuid', [id, '6fa459ea-ee8a-4ca4-894e-db77e160355e'], [id.toUpperCase(), `${id}0`, 5]],
    ['string:uuidv7', [id], ['6fa459ea-ee8a-4ca4-894e-db77e160355e', '019461a8-1a2b-7c3d-7e4f-5a6b7c8d9e0f']],
    [
      'string:datetime',
      ['2024-01-15T10:30:00Z', '2024-01-15T10:30:00.123+05:30'],
      ['2024-01-15T10:30:00', '2024-01-15', 5],
    ],
    ['string:contains:not found', ['it was not found here'], ['Not Found', 5]],
    ['string:pattern(^a\\.(b|c)$)', ['a.b'], ['axb', 'a.bb', 5]],
    ['available', ['available'], ['Available', 5, undefined]],
    ['number:positive', [1, 0.5], [0, -1, '1']],
    ['number:non_negative', [0, 1], [-1, null]],
    ['number:range(-1,2.5)', [-1, 0, 2.5], [-2, 3, '1']],
    ['~1000', [500, 1000, 1500], [499, 1501, '1000']],
    ['~100', [0, 200], [201]],
    ['one_of:200,201', [200, 201], [409, undefined]],
    ['array:nonempty', [[1]], [[], 'a']],
    ['array:empty', [[]], [[1], undefined]],
    ['array:length:2', [[1, 2]], [[1], 'ab']],
    ['array:length(2)', [[1, 2]], [[1]]],
    ['array:min_length:1', [[1], [1, 2]], [[]]],
    ['array:min:2', [[1, 2]], [[1]]],
    ['contains:42', [[41, 42], ['42']], [[4], '42', undefined]],
    ['contains:map[a:1 b:x]', [[{ b: 'x', a: 1 }]], [[{ a: 1 }]]],
    ['not_contains:x', [['y'], []], [['x'], undefined]],
    [
      [1, 'string:nonempty', { nested: 'value' }],
      [
        [1, 'a', { nested: 'value' }],
        [1, 'a', { nested: 'value', more: 1 }],
      ],
      [
        [1, 'a'],
        [1, '', { nested: 'value' }],
        [1, 'a', { nested: 'other' }],
      ],
    ],
    [[], [[]], [[1]]],
    [true, [true], [false, 'true', 1]],
    [null, [null], [undefined, 0]],
    [42, [42], ['42', 43]],
    [{ $exists: true }, [null, 0], [undefined]],
    [{ $exists: false }, [undefined], [null, 0]],
    [{ $exists: true, $type: 'string' }, ['a'], [5, undefined]],
    [{ $type: 'array' }, [[]], [{}, null, undefined]],
    [{ $type: 'null' }, [null], [undefined]],
    [{ $match: '^Validation.*' }, ['ValidationError'], ['Error', 5]],
    [{ $in: ['available', 'number:positive'] }, ['available', 5], [0, 'active']],
    [{ $size: 2 }, [[1, 2]], [[1], 'ab']],
    [{ $size: { $gte: 1 } }, [[1], [1, 2]], [[]]],
    [{ $or: ['string:nonempty', { $exists: false }] }, ['a', undefined], ['', null]],
    [{ $empty: true }, [undefined, null, '', [], {}], [0, 'a', [1], { a: 1 }]],
    [{ range: { min: 0, max: 100 } }, [0, 100], [-1, 101, '5']],
    [{ range: { min: 1000 } }, [1000], [999]],
    [{ range: { max: 5 } }, [-5, 5], [6]],
    [{ $equals: { a: [1, 'any'] } }, [{ a: [1, 'any'] }], [{ a: [1, 'x'] }, { a: [1, 'any'], b: 1 }, {}]],
    [{ $keys: ['b', 'a'] }, [{ a: 1, b: null }], [{ a: 1 }, { a: 1, b: 1, c: 1 }, [], undefined]],
    [{ $each: 'number:positive' }, [[1, 2], []], [[1, 0], 5, undefined]],
    [{ $not: 'a' }, ['b', undefined], ['a']],
    [
      { $after: '2024-01-01T00:00:00Z' },
      ['2024-01-01T00:00:00Z', '2024-01-01T01:00:01+01:00'],
      ['2024-01-01T00:59:59+01:00', 'x', undefined],
    ],
    [
      { $before: { time: '2024-01-01T00:00:00Z', plus_ms: 1000 } },
      ['2024-01-01T00:00:01Z'],
      ['2024-01-01T00:00:01.001Z', 5],
    ],
  ];

describe('matchers', () => {
  for (const [matcher, fitting, wrong] of table) {
    test(JSON.stringify(matcher), () => {
      for (const value of fitting) expect(matches(matcher, value), `should fit: ${JSON.stringify(value)}`).toBe(true);
      for (const value of wrong)
        expect(matches(matcher, value), `should not fit: ${JSON.stringify(value)}`).toBe(false);
    });
  }

  test('the tolerance of ~N is an option', () => {
    expect(mismatch('~1000', 1200, { tolerancePct: 10 })).toBe('~1000');
    expect(mismatch('~1000', 1100, { tolerancePct: 10 })).toBeNull();
  });

  test('a matcher that is not in the format is an error, not a mismatch', () => {
    const unknown: readonly JsonValue[] = [
      'string:long',
      'array:some',
      { $gt: 5 },
      { $exists: true, plain: 1 },
      { $size: 'x' },
      { $match: '(' },
      { range: {} },
      { $in: 5 },
    ];
    for (const matcher of unknown)
      expect(() => mismatch(matcher, undefined), JSON.stringify(matcher)).toThrow(CaseError);
  });
});
