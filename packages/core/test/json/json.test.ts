import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  elements,
  longList,
  maxDepth,
  members,
  objectText,
  readJson,
  readListObject,
  utf8Length,
  valueAt,
  valuesAt,
} from '../../src/index.ts';
import { readWorkflow } from '../../src/workflow/index.ts';
import { cpuMs } from '../support/cpu.ts';
import { faultOf } from '../support/fault.ts';
import { anyCharacter, words } from '../support/text.ts';

/** JSON texts with every kind of white space, number form and escape that a serializer of somebody else may write. */
const space = fc.constantFrom('', ' ', '\n', '\t', '\r\n  ');
const scalar = fc.oneof(
  fc.constantFrom(
    ...words(`
    1.0e3 -0 9007199254740993 0.10 1E+2 true false null "\\u0000" "a\\"b" "\\\\" "}" "]" "," "\u2028"
  `),
  ),
  fc.string({ unit: anyCharacter }).map((text) => JSON.stringify(text)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
);
const key = fc.oneof(
  fc.constantFrom('"__proto__"', '"constructor"', '"\\u0061"', '""', '"a:b,"'),
  fc.string().map((text) => JSON.stringify(text)),
);
/**
 * Without a second member of a name with an escape: from its second call on, JSON.parse of V8 13.6 (Node 24) answers
 * `{"b":{"\\u0061":"\\\\","\\u0061":true,"\\\\":1}}` with the first of the two.
 */
function escapedOnce(items: readonly [name: string, text: string][]): readonly [name: string, text: string][] {
  const names = items.map(([name]) => name);
  return items.filter(([name], at) => !name.includes('\\') || names.indexOf(name) === at);
}
const { value: json } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, scalar, tie('list'), tie('object')),
  list: fc
    .tuple(space, fc.array(tie('value'), { maxLength: 4 }))
    .map(([s, items]) => `[${s}${items.join(`${s},${s}`)}${s}]`),
  object: fc
    .tuple(space, fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map(escapedOnce))
    .map(([s, items]) => `{${s}${items.map(([name, text]) => `${name}${s}:${s}${text}`).join(`${s},${s}`)}${s}}`),
}));

describe('a long list', () => {
  test('is found by its name, at the top level, however long the members before it are', () => {
    const list = fc.array(scalar, { maxLength: 8 });
    fc.assert(
      fc.property(space, list, list, fc.integer({ min: 1, max: 8 }), (s, before, items, most) => {
        const text = `${s}{${s}"other":[[${before.join()}]],${s}"steps"${s}:${s}[${s}${items.join(`${s},${s}`)}${s}]${s}}`;
        expect(longList(text, ['steps', 'jobs'], most)).toBe(Math.max(items.length, 1) >= most ? 'steps' : null);
        expect(longList(text, ['step', 'jobs'], most)).toBe(null);
      }),
    );
  });

  test('in any text is looked for once', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ a1') }), (text) => {
        expect(longList(text, ['a'], 3)).toBeOneOf(['a', null]);
      }),
    );
  });

  test('is refused in a workflow before the text is parsed', () => {
    const text = `{"steps":[${Array.from({ length: 20_000 }, () => '{"type":"a.b","args":[]}').join()}], here it is no JSON`;
    expect(() => readWorkflow(text, 0, () => '')).toThrow('a workflow must have fewer than 20000 jobs');
  });
});

describe('members and elements', () => {
  test('cut any object into the raw texts of its members, the last duplicate wins', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, json), { maxLength: 6 }), space, (entries, s) => {
        const text = `${s}{${s}${entries.map(([name, value]) => `${name}${s}:${s}${value}`).join(`${s},${s}`)}${s}}${s}`;
        expect([...members(text)]).toEqual([...new Map(entries.map(([name, value]) => [JSON.parse(name), value]))]);
      }),
    );
  });

  test('cut any array into the raw texts of its elements', () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 6 }), space, (items, s) => {
        expect(elements(`${s}[${s}${items.join(`${s},${s}`)}${s}]${s}`)).toEqual(items);
      }),
    );
  });

  test('readListObject finds the elements of a member, the last duplicate wins', () => {
    const text = '{ "a": [1], "jobs" : [ {"x":"]}"}, [2] ] , "b":{}, "jo\\u0062s":[ "3,4" , null ]}';
    const textsOf = (whole: string, name: string) =>
      readListObject(whole, name).elements.map((element) => element.text);
    expect(textsOf(text, 'jobs')).toEqual(['"3,4"', 'null']);
    expect(textsOf(text.replace('\\u0062', 'x'), 'jobs')).toEqual(['{"x":"]}"}', '[2]']);
    expect(textsOf(text, 'a')).toEqual(['1']);
    for (const name of ['b', 'c']) expect(readListObject(text, name).elements).toEqual([]);
    expect(readListObject('{"a":[1],"a":2}', 'a').elements).toEqual([]);
    expect(textsOf('{"a":[ ] , "b":[5]}', 'b')).toEqual(['5']);
  });

  test('readListObject reads all members, and those of each element, as members and elements do one after the other', () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 6 }), space, (items, s) => {
        const list = `${s}[${s}${items.join(`${s},${s}`)}${s}]${s}`;
        const apart = elements(list).map((text) => ({ text, members: text[0] === '{' ? members(text) : null }));
        const text = `{${s}"b":1,"a":${list},"c":[2]}`;
        expect(readListObject(text, 'a')).toEqual({ members: members(text), elements: apart });
      }),
    );
  });

  test('valuesAt finds at each of many paths what valueAt finds there', () => {
    const step = fc.constantFrom<string | number>('a', 'b', '0', '__proto__', 0, 1, 2);
    const paths = fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 8 });
    const value = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('1', '"x"', 'null', '{}', '[ ]'),
        fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(' , ')}]`),
        // Names may come twice.
        fc
          .array(fc.tuple(fc.constantFrom('a', 'b', '0', '__proto__', '\\u0061'), tie('value')), { maxLength: 4 })
          .map((items) => `{ ${items.map(([name, text]) => `"${name}" : ${text}`).join(',')}}`),
      ),
    })).value;
    fc.assert(
      fc.property(value, paths, (text, wanted) => {
        expect(valuesAt(text, wanted)).toEqual(wanted.map((path) => valueAt(text, path)));
      }),
      { numRuns: 2_000 },
    );
  });

  test('valueAt finds what members and elements find, step by step', () => {
    const step = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'a', '', 'a:b,'), fc.nat(2));
    const inside = (text: string, one: string | number): string | undefined => {
      if (typeof one === 'number') return text.startsWith('[') ? elements(text)[one] : undefined;
      return text.startsWith('{') ? members(text).get(one) : undefined;
    };
    fc.assert(
      fc.property(json, space, fc.array(step, { maxLength: 3 }), (text, s, path) => {
        const expected = path.reduce<string | undefined>((at, one) => at && inside(at, one), text);
        expect(valueAt(`${s}${text}${s}`, path)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
    const text = '[{"a":[1, {"b" : {"c":7} }], "a":[0,{"b":{}}], "b":2}, "x"]';
    expect(valueAt(text, [0, 'a', 1, 'b', 'c'])).toBeUndefined();
    expect(valueAt(text, [0, 'a', 1])).toBe('{"b":{}}');
    expect(valueAt(text, [0, 'b'])).toBe('2');
    expect(valueAt(text, [1])).toBe('"x"');
    for (const path of [[2], ['0'], [0, 'a', 'b'], [1, 0], [0, 'b', 0]]) expect(valueAt(text, path)).toBeUndefined();
  });

  test('objectText is the inverse of members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), (fields) => {
        expect([...members(objectText(Object.entries(fields)))]).toEqual(Object.entries(fields));
      }),
    );
  });

  test('a member named __proto__ is a member like any other', () => {
    const text = '{"__proto__":{"polluted":1},"a":2}';
    expect(members(text).get('__proto__')).toBe('{"polluted":1}');
    expect(objectText(members(text))).toBe(text);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test('cost grows with the length: 1 MiB of escapes, brackets or members is cut in one pass', () => {
    const size = 1 << 20;
    const texts = [
      `{"a":"${'\\\\'.repeat(size / 2)}"}`,
      `{"a":"${'\\"'.repeat(size / 2)}"}`,
      `{"a":[${'[],'.repeat(size / 3)}[]]}`,
    ];
    for (const text of texts) {
      // A second pass for each character would take minutes.
      expect(cpuMs(() => expect(members(text).get('a')?.length).toBeGreaterThan(size - 10))).toBeLessThan(1000);
    }
  });
});

describe('readJson', () => {
  test('answers what JSON.parse does, and refuses what it refuses with a position inside the text', () => {
    const broken = fc
      .tuple(json, fc.nat(), fc.constantFrom('', '"', '}', ',', '\\', '\u0001', '0', 'é'))
      .map(([text, at, insert]) => {
        const position = at % (text.length + 1);
        return text.slice(0, position) + insert + text.slice(position + 1);
      });
    fc.assert(
      fc.property(fc.oneof(json, broken), (text) => {
        let parsed: unknown;
        try {
          parsed = JSON.parse(text);
        } catch {
          const fault = faultOf(() => readJson(text, 'The body'));
          expect(fault.code).toBe('invalid_payload');
          expect(fault.details.position).toBeLessThanOrEqual(text.length);
          return;
        }
        expect(readJson(text, 'The body')).toEqual(parsed);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['', 'position 0: expected a JSON value'],
    ['{"a":1,}', 'position 7: expected a string in double quotes'],
    ['{"a" 1}', 'position 5: expected ":"'],
    ['[1 2]', 'position 3: expected "," or "]"'],
    ['{"a":01}', 'position 6: expected "," or "}"'],
    ['"secret', 'position 7: expected the closing quote'],
    ['"\\x"', 'position 1: expected a valid escape sequence'],
    ['"\n"', 'position 1: expected a control character to be escaped'],
    ['{} {}', 'position 3: expected the end of the text'],
    ['{"a":undefined}', 'position 5: expected a JSON value'],
  ])('%j: %s', (text, expected) => {
    expect(faultOf(() => readJson(text, 'The body')).message).toContain(expected);
  });

  test('a message never has the content in it', () => {
    expect(faultOf(() => readJson('{"password":"hunter2" oops}', 'The body')).message).not.toMatch(
      /hunter2|password|oops/,
    );
  });

  test('refuses a byte order mark (ojs-json-format §2.3)', () => {
    expect(faultOf(() => readJson('\ufeff{}', 'The body')).message).toContain('byte order mark');
  });

  test('refuses what nests too deep, however deep that is, without recursion (ojs-json-format §13.5)', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(readJson(nested(maxDepth), 'The body')).toBeInstanceOf(Array);
    expect(faultOf(() => readJson(nested(maxDepth + 1), 'The body')).details.position).toBe(maxDepth);
    expect(faultOf(() => readJson('['.repeat(1 << 20), 'The body')).message).toContain('deeper than 64');
    expect(faultOf(() => readJson('{"a":'.repeat(1 << 18), 'The body')).message).toContain('deeper than 64');
    expect(readJson(`"${'['.repeat(1000)}"`, 'The body')).toHaveLength(1000);
  });
});

test('utf8Length counts what an encoder writes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
    }),
  );
  expect(utf8Length('a\u00e9\u20ac\u{1f600}')).toBe(1 + 2 + 3 + 4);
});
