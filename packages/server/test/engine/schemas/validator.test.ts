import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../../../core/test/support/cpu.ts';
import { checks } from '../../../../core/test/support/runs.ts';
import { words } from '../../../../core/test/support/text.ts';
import { SchemaError } from '../../../src/engine/schemas/source.ts';
import { Budget, SchemaValidator } from '../../../src/engine/schemas/validator.ts';

function check(schema: unknown, args: readonly unknown[]) {
  return new SchemaValidator(schema).check(args, JSON.stringify(args).length);
}

/** The longest that a hostile check may hold up the others, in milliseconds of processor time, on a slow machine. */
const patience = 5_000;

function inTime<T>(work: () => T): T {
  const answers: T[] = [];
  expect(cpuMs(() => answers.push(work()))).toBeLessThan(patience);
  const [answer] = answers;
  if (answer === undefined) throw new Error('The work has no answer.');
  return answer;
}

describe('a schema', () => {
  test('of an array is held against the args, that of an object against the only one', () => {
    expect(check({ type: 'array', minItems: 2 }, [1])).toMatchObject([{ path: '$.args', schema_path: '#/minItems' }]);
    const object = { type: 'object', required: ['to'], properties: { to: { type: 'string' } } };
    expect(check(object, [{ to: 'a' }])).toEqual([]);
    expect(check(object, [{ to: 5 }])).toMatchObject([
      { path: '$.args[0].to', message: 'must be string', schema_path: '#/properties/to/type' },
    ]);
    expect(check(object, [{}, {}])).toMatchObject([{ path: '$.args', message: 'must be object' }]);
  });

  test('reports every issue, up to 20, with its JSONPath', () => {
    const schema = {
      type: 'array',
      items: { type: 'object', properties: { 'a b': { type: 'string' } }, required: ['x'] },
    };
    expect(check(schema, [{ 'a b': 1 }])).toMatchObject([
      { path: '$.args[0]', message: "must have required property 'x'" },
      { path: '$.args[0]["a b"]', message: 'must be string' },
    ]);
    expect(
      check(
        { items: { type: 'string' } },
        Array.from({ length: 50 }, () => 0),
      ),
    ).toHaveLength(20);
  });

  test('with the tuples of older drafts means prefixItems', () => {
    const schema = { type: 'array', items: [{ type: 'string' }, { type: 'number' }], additionalItems: false };
    expect(check(schema, ['a', 1])).toEqual([]);
    expect(check(schema, [1, 1])).toMatchObject([{ path: '$.args[0]' }]);
    expect(check(schema, ['a', 1, 2])).toMatchObject([{ path: '$.args' }]);
  });

  test.each<readonly [string, unknown, readonly unknown[], boolean]>([
    ['references within', { $defs: { a: { type: 'string' } }, items: { $ref: '#/$defs/a' } }, ['x'], true],
    ['anchors', { $defs: { a: { $anchor: 'a', type: 'string' } }, items: { $ref: '#a' } }, [1], false],
    ['dynamic references', { $dynamicAnchor: 'n', type: 'array', items: { $dynamicRef: '#n' } }, [[[]]], true],
    [
      'an identifier of its own',
      { $id: 'https://e.test/s', $defs: { x: { $id: 'x', type: 'string' } }, items: { $ref: 'x' } },
      [1],
      false,
    ],
    [
      'unevaluated properties',
      { items: { allOf: [{ properties: { a: true } }], unevaluatedProperties: false } },
      [{ a: 1, b: 1 }],
      false,
    ],
    ['formats', { items: { format: 'email' } }, ['a@example.com'], true],
    ['formats that are missed', { items: { format: 'date-time' } }, ['yesterday'], false],
    ['unknown formats as notes', { items: { format: 'int32' } }, ['x'], true],
    [
      'unknown keywords as notes',
      { nullable: true, $async: true, 'x-note': 1, items: { type: 'string' } },
      [null],
      false,
    ],
    ['names of every object', { items: { required: ['constructor', 'toString'] } }, [{}], false],
    ['decimal steps', { items: { multipleOf: 0.1 } }, [0.3], true],
    ['numbers beyond 2^53', { items: { type: 'integer', minimum: 1 } }, [Number('12345678901234567890')], true],
    ['code points, not code units', { items: { maxLength: 3 } }, ['😀😀😀'], true],
    [
      'equal objects in any order',
      { uniqueItems: true },
      [
        { a: 1, b: [2] },
        { b: [2], a: 1 },
      ],
      false,
    ],
    ['equal numbers in any spelling', { uniqueItems: true }, [1, 1.0], false],
    ['a number and its text', { uniqueItems: true }, [1, '1', true, 'true', null, 'null', [1], ['1']], true],
    ['two patterns', { prefixItems: [{ pattern: '^a$' }, { pattern: '^b$' }] }, ['a', 'b'], true],
    ['patterns of names', { items: { patternProperties: { '^n_': { type: 'number' } } } }, [{ n_a: 'x' }], false],
  ])('takes %s', (_, schema, args, valid) => {
    expect(check(schema, args).length === 0).toBe(valid);
  });

  test.each<readonly [string, unknown, RegExp]>([
    ['no object', true, /must be an object/],
    ['an unknown type', { type: 'strin' }, /equal to one of the allowed values/],
    ['a keyword of the wrong kind', { properties: { a: 5 } }, /must be object,boolean/],
    ['an older draft', { $schema: 'http://json-schema.org/draft-07/schema#' }, /must reference draft 2020-12/],
    ['another document', { $ref: 'https://example.com/schema.json' }, /not within this schema/],
    ['the meta-schema', { $ref: 'https://json-schema.org/draft/2020-12/schema' }, /not within this schema/],
    ['a place that is not there', { items: { $ref: '#/$defs/no' } }, /not within this schema/],
    [
      'a place under an unknown keyword',
      { mine: { type: 'string' }, items: { $ref: '#/mine' } },
      /not within this schema/,
    ],
    ['a pattern that is none', { items: { pattern: '(' } }, /not a regular expression/],
    ['a lookahead', { items: { pattern: '^(?!x)' } }, /linear time/],
    ['a backreference', { items: { pattern: '(a)\\1' } }, /linear time/],
    ['repetitions of repetitions', { items: { pattern: '((a{100}){100}){100}' } }, /linear time/],
    ['a pattern of names with a lookahead', { patternProperties: { '(?=a)': {} } }, /linear time/],
    [
      'a pattern of more than 1,024 characters',
      { items: { pattern: 'a'.repeat(1_025) } },
      /has 1,025 characters, expected at most 1,024/,
    ],
    ['too many subschemas', { allOf: Array.from({ length: 1_000 }, () => ({})) }, /at most 1000 subschemas/],
    [
      'too many patterns',
      { anyOf: Array.from({ length: 200 }, (__, index) => ({ pattern: `a${index}` })) },
      /at most 100 patterns/,
    ],
  ])('is refused with %s', (_, schema, message) => {
    expect(() => new SchemaValidator(schema)).toThrow(SchemaError);
    expect(() => new SchemaValidator(schema)).toThrow(message);
  });

  test('cannot see or clash with another one', () => {
    const id = 'https://e.test/same';
    const other = new SchemaValidator({ $id: id, items: { type: 'string' } });
    expect(check({ $id: id, items: { type: 'number' } }, [1])).toEqual([]);
    expect(() => new SchemaValidator({ items: { $ref: id } })).toThrow(/not within this schema/);
    expect(other.check([1], 3)).toHaveLength(1);
  });
});

describe('hostile schemas and args end in time', () => {
  const long = `${'a'.repeat(1_000_000)}!`;
  const zeros = Array.from({ length: 300_000 }, () => 0);
  const doubling = {
    $ref: '#/$defs/a0',
    $defs: Object.fromEntries([
      ...Array.from(
        { length: 40 },
        (_, index) => [`a${index}`, { allOf: [1, 2].map(() => ({ $ref: `#/$defs/a${index + 1}` })) }] as const,
      ),
      ['a40', { type: 'array' }],
    ]),
  };

  test.each<readonly [string, unknown, readonly unknown[]]>([
    ['patterns that backtrack', { items: { pattern: '^(a+)+$' } }, [long]],
    ['alternatives that overlap', { items: { pattern: '^(a|aa)+$' } }, [long]],
    ['a doubling of references', doubling, []],
    ['a reference to itself', { $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }, []],
    [
      'many searches of one array',
      { allOf: Array.from({ length: 450 }, () => ({ contains: { type: 'string' } })) },
      zeros,
    ],
    [
      'many walks over the names of an object',
      { items: { allOf: Array.from({ length: 450 }, () => ({ maxProperties: 1e9 })) } },
      [Object.fromEntries(zeros.map((_, index) => [index, 0]))],
    ],
    [
      'many measurements of one text',
      { items: { allOf: Array.from({ length: 450 }, () => ({ maxLength: 1e9 })) } },
      [long],
    ],
    [
      'many patterns for one text',
      { items: { allOf: Array.from({ length: 90 }, (_, index) => ({ pattern: `^[^!]+!{0,${index + 1}}$` })) } },
      [long],
    ],
    [
      'a long list of constants for each item',
      { items: { enum: Array.from({ length: 8_000 }, (_, index) => index + 1) } },
      zeros,
    ],
  ])('%s', (_, schema, args) => {
    expect(inTime(() => check(schema, args)).length).toBeGreaterThan(0);
  });

  /** A tree of alternatives that are told apart only after their child. */
  const treeOf = (more: readonly unknown[]) => {
    const branch = (kind: string) => ({
      properties: { child: { $ref: '#/$defs/node' }, kind: { const: kind } },
      required: ['kind'],
    });
    const node = { anyOf: [{ type: 'string' }, branch('sum'), branch('negate'), ...more] };
    return { prefixItems: [{ $ref: '#/$defs/node' }], $defs: { node } };
  };
  const nested = (leaf: unknown) =>
    Array.from({ length: 30 }).reduce<unknown>((child) => ({ child, kind: 'negate' }), leaf);
  const bare = Array.from({ length: 2_000 }, () => false);

  test.each<readonly [string, unknown, unknown, number]>([
    ['that fails at its leaf', treeOf([]), nested(5), 1_000_000],
    ['that fits in its last alternative', treeOf([]), nested('x'), 1_000_000],
    ['with thousands of errors at each level', treeOf(bare), nested(5), 4_000],
  ])('a tree of alternatives %s does not pay for more work with a text next to it', (_, schema, node, length) => {
    const issues = inTime(() => check(schema, [node, 'x'.repeat(length)]));
    expect(issues).toMatchObject([{ message: expect.stringMatching(/^takes more work/) }]);
  });

  test('the steps of a check grow with the text up to a maximum', () => {
    const budget = new Budget();
    const stepsFor = (length: number) => {
      budget.run(length, () => null);
      return budget.left;
    };
    expect(stepsFor(1_000)).toBe(stepsFor(0) + 20_000);
    expect(stepsFor(1_000_000)).toBe(4_000_000);
    expect(budget.run(1_000_000_000, () => budget.spend(4_000_001))).toBeNull();
  });

  test('300,000 different items are found to be unique', () => {
    const args = zeros.map((_, index) => index);
    expect(inTime(() => check({ uniqueItems: true }, args))).toEqual([]);
  });

  test('300,000 wrong items leave 20 issues at most', () => {
    expect(inTime(() => check({ items: { type: 'string' } }, zeros)).length).toBeLessThanOrEqual(20);
  });

  test('honest args of an envelope’s size pass', () => {
    const schema = {
      items: {
        type: 'object',
        properties: { n: { type: 'number', minimum: 0 }, t: { type: 'string', pattern: '^[a-z]*$' } },
      },
    };
    const args = Array.from({ length: 25_000 }, (_, index) => ({ n: index, t: 'abcdefghijklmnop' }));
    expect(inTime(() => check(schema, args))).toEqual([]);
  });

  test.each('email uri uri-reference hostname date-time duration uri-template json-pointer regex ipv6 uuid'.split(' '))(
    'the format %s on texts made to be slow',
    (format) => {
      const validator = new SchemaValidator({ items: { format } });
      for (const part of ['a', 'a-', 'a.', '/', '%41', '1', '(', ':', '{a}', '[', '~0', 'a@']) {
        const text = `${part.repeat(Math.floor(4_090 / part.length))}!`;
        inTime(() => validator.check([text], text.length));
      }
      expect(check({ items: { format } }, [`https://e.test/${'a'.repeat(5_000)}`])).toHaveLength(1);
    },
  );
});

describe('properties', () => {
  const letter = fc.constantFrom('a', 'b', '-', '1', 'é', '😀', '.', '\n');
  const atom = fc.constantFrom(...'a b . \\d \\w [ab] [^a] \\. - é 😀 \\u{1F600} (a|b) (?:ab)'.split(' '));
  const times = fc.constantFrom('', '*', '+', '?', '{2}', '{1,3}', '*?');
  const pattern = fc
    .tuple(
      fc.constantFrom('', '^'),
      fc.array(fc.tuple(atom, times), { minLength: 1, maxLength: 5 }),
      fc.constantFrom('', '$'),
    )
    .map(([start, atoms, end]) => `${start}${atoms.map((pair) => pair.join('')).join('')}${end}`);

  test('patterns match what ECMA-262 matches', () => {
    fc.assert(
      fc.property(pattern, fc.array(letter, { maxLength: 8 }), (source, letters) => {
        const text = letters.join('');
        expect(check({ items: { pattern: source } }, [text]).length === 0, source).toBe(
          new RegExp(source, 'u').test(text),
        );
      }),
      { numRuns: checks(300) },
    );
  });

  test('uniqueItems finds what comparing all pairs finds', () => {
    const value = fc.oneof(
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom('a', '1', '', null, true),
      fc.array(fc.nat(1), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('a', 'b'), fc.nat(1)),
    );
    const normal = (one: unknown) =>
      JSON.stringify(one, (_, part: unknown) =>
        typeof part === 'object' && part !== null && !Array.isArray(part)
          ? Object.fromEntries(Object.entries(part).toSorted())
          : part,
      );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 6 }), (args) => {
        const distinct = args.every((one, index) =>
          args.slice(index + 1).every((other) => normal(one) !== normal(other)),
        );
        expect(check({ uniqueItems: true }, args).length === 0).toBe(distinct);
      }),
    );
  });

  test('any JSON as a schema is compiled or refused, and any args are answered', () => {
    const keyword = fc.constantFrom(
      ...words(`
      type items properties allOf anyOf not $ref $defs pattern enum required format uniqueItems contains if then
      prefixItems __proto__ $id $anchor minLength
    `),
    );
    const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
      schema: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.constantFrom('string', 'array', 'object', '#', '#/$defs/a', 'email'),
        fc.array(tie('schema'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(keyword, fc.constantFrom('a', 'b')), tie('schema'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(schema, fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }), (source, args) => {
        // As it would have come over the wire.
        const parsed: unknown = JSON.parse(JSON.stringify(source));
        let validator: SchemaValidator;
        try {
          validator = new SchemaValidator(parsed);
        } catch (error) {
          expect(error).toBeInstanceOf(SchemaError);
          return;
        }
        for (const { path, message } of validator.check(args, JSON.stringify(args).length)) {
          expect(path.startsWith('$.args')).toBe(true);
          expect(message).not.toBe('');
        }
      }),
      { numRuns: checks(300) },
    );
  });
});
