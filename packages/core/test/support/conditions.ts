import fc from 'fast-check';
import type { JsonPattern, JsonTest, NumberTest, Pattern, Term, TimeTest } from '../../src/query/condition.ts';
import { type Field, type FieldOf, fields, type Order } from '../../src/query/fields.ts';
import { allOf, anyOf, type Condition, maxQueryLength, notOf } from '../../src/query/index.ts';
import { anyCharacter } from './text.ts';

/** What the terms compare with. */
export interface Vocabulary {
  readonly text: fc.Arbitrary<string>;
  /** Numbers as JSON writes them. */
  readonly number: fc.Arbitrary<string>;
  readonly at: fc.Arbitrary<number>;
  readonly length: fc.Arbitrary<number>;
  /** Names of members. */
  readonly name: fc.Arbitrary<string>;
}

const dayMs = 86_400_000;
const order = fc.constantFrom<Order[]>('<', '<=', '>', '>=');

function fieldsOf<Kind extends Field['kind']>(kind: Kind): fc.Arbitrary<FieldOf<Kind>> {
  const isOf = (name: string): name is FieldOf<Kind> => Reflect.get(fields, name).kind === kind;
  return fc.constantFrom(...Object.keys(fields).filter(isOf));
}

function several<T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(one, { minLength: 1, maxLength: 3 });
}

function termOf({ text, number, at, length, name }: Vocabulary): fc.Arbitrary<Term> {
  const pattern: fc.Arbitrary<Pattern> = fc.record({ kind: fc.constantFrom('exact', 'exact', 'prefix'), text });
  const parts = several(text.filter((one) => one !== ''));
  const numberTest: fc.Arbitrary<NumberTest> = fc.oneof(
    fc.record({ operator: fc.constant(':'), values: several(number) }),
    fc.record({ operator: order, value: number }),
  );
  const moment = fc.oneof(
    fc.record({ kind: fc.constant('moment'), at }),
    fc.record({ kind: fc.constant('day'), at: at.map((ms) => Math.floor(ms / dayMs) * dayMs) }),
  );
  const relative = fc.record({ kind: fc.constant('relative'), ms: length });
  const timeTest: fc.Arbitrary<TimeTest> = fc.oneof(
    fc.record({ operator: fc.constant(':'), value: fc.oneof(moment, fc.constant('present')) }),
    fc.record({ operator: order, value: fc.oneof(moment, relative) }),
  );
  const literal = fc.record({
    kind: fc.constant('literal'),
    text: fc.oneof(number, fc.constantFrom('true', 'false', 'null')),
  });
  const jsonPattern: fc.Arbitrary<JsonPattern> = fc.oneof(pattern, literal);
  const jsonTest: fc.Arbitrary<JsonTest> = fc.oneof(
    fc.record({ operator: fc.constant(':'), values: several(jsonPattern) }),
    fc.record({ operator: fc.constant('~'), parts }),
    fc.record({
      operator: order,
      value: fc.oneof(
        fc.record({ kind: fc.constant('number'), text: number }),
        fc.record({ kind: fc.constant('text'), text }),
      ),
    }),
  );
  const steps = fc.array(fc.oneof(name, fc.nat(2)), { maxLength: 2 });
  const path = fc.oneof(
    fc.record({ field: fc.constantFrom<FieldOf<'json'>[]>('args', 'meta', 'result'), path: fc.constant([]) }),
    fc.record({
      field: fc.constant('args'),
      path: fc.tuple(fc.nat(2), steps).map(([first, rest]) => [first, ...rest]),
    }),
    fc.record({ field: fc.constant('meta'), path: fc.tuple(name, steps).map(([first, rest]) => [first, ...rest]) }),
    fc.record({ field: fc.constant('result'), path: steps }),
  );
  return fc.oneof(
    fc.record({ kind: fc.constant('states'), mask: fc.integer({ min: 1, max: 255 }) }),
    fc.record({ kind: fc.constant('flag'), field: fc.constant('dead'), value: fc.boolean() }),
    fc.record({ kind: fc.constant('text'), field: fieldsOf('text'), values: several(pattern) }),
    fc.record({ kind: fc.constant('part'), field: fc.oneof(fieldsOf('text'), fieldsOf('everything')), parts }),
    fc.record({ kind: fc.constant('number'), field: fieldsOf('number'), test: numberTest }),
    fc.record({ kind: fc.constant('time'), field: fieldsOf('time'), test: timeTest }),
    fc.record({ kind: fc.constant('age'), operator: order, ms: length.map(Math.abs) }),
    fc.tuple(path, jsonTest).map(([at, test]) => ({ kind: 'json' as const, ...at, test })),
  );
}

/** Conditions of every shape that the parser makes. */
export function conditionOf(vocabulary: Vocabulary): fc.Arbitrary<Condition> {
  const term = termOf(vocabulary);
  const { condition } = fc.letrec<{ condition: Condition; several: Condition[] }>((tie) => ({
    condition: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      term,
      tie('condition').map(notOf),
      tie('several').map(allOf),
      tie('several').map(anyOf),
    ),
    several: fc.array(tie('condition'), { minLength: 2, maxLength: 3 }),
  }));
  return condition;
}

const anyNumber = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.constantFrom('0', '7', '9007199254740993'),
    fc.constantFrom('', '.0', '.10'),
    fc.constantFrom('', 'e3', 'E+21', 'e-400'),
  )
  .map((parts) => parts.join(''));

/** Texts and names that need quotes, escapes or neither, and every number and time. */
export const wild: Vocabulary = {
  text: fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.string({ unit: anyCharacter, maxLength: 4 }),
    fc.constantFrom(..."OR NOT 42 1.0e3 true null 'a' a* * -a a:b != \ud800 \u2028".split(' ')),
  ),
  number: anyNumber,
  at: fc.oneof(
    fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }),
    fc.integer({ min: 0, max: 4_000_000_000_000 }),
  ),
  length: fc.oneof(
    fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }),
    fc.integer({ min: -90, max: 90 }).map((days) => days * dayMs + 0),
  ),
  name: fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('__proto__', 'a b', 'a.b', '0', '"', "it's", '-')),
};

/** The condition can be written within the bounds of a query. */
export function isWritable(text: string): boolean {
  return text.length <= maxQueryLength;
}
