import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OJSValidationError } from '../../src/index.ts';
import { MiddlewareChain } from '../../src/middleware/chain.ts';

type Step =
  | { readonly do: 'add' | 'prepend'; readonly name: string }
  | { readonly do: 'before' | 'after'; readonly name: string; readonly target: string }
  | { readonly do: 'remove'; readonly target: string };

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('add' as const, 'prepend' as const), name }),
  fc.record({ do: fc.constantFrom('before' as const, 'after' as const), name, target: name }),
  fc.record({ do: fc.constant('remove' as const), target: name }),
);

/** The same on a plain list; null where it must be refused. */
function model(names: readonly string[], one: Step): readonly string[] | null {
  if (one.do === 'remove') return names.filter((each) => each !== one.target);
  if (names.includes(one.name)) return null;
  if (!('target' in one)) return one.do === 'add' ? [...names, one.name] : [one.name, ...names];
  const place = names.indexOf(one.target);
  return place < 0 ? null : names.toSpliced(one.do === 'before' ? place : place + 1, 0, one.name);
}

describe('MiddlewareChain (ojs-middleware §5, §6.1)', () => {
  test('the chain keeps the order of edits, refuses impossible ones, and never changes a list that it returned', () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const chain = new MiddlewareChain<() => string>();
        const made = new Map<string, () => string>();
        const apply = (one: Step) => {
          if (one.do === 'remove') return chain.remove(one.target);
          const middleware = () => one.name;
          if (!('target' in one)) chain[one.do](middleware, one.name);
          else if (one.do === 'before') chain.insertBefore(one.target, middleware, one.name);
          else chain.insertAfter(one.target, middleware, one.name);
          made.set(one.name, middleware);
          return true;
        };
        let names: readonly string[] = [];
        for (const one of steps) {
          const held = chain.all;
          const copy = [...held];
          const wanted = model(names, one);
          if (wanted === null) expect(() => apply(one)).toThrow(OJSValidationError);
          else {
            const had = one.do !== 'remove' || names.includes(one.target);
            expect(apply(one)).toBe(had);
            expect(chain.all === held).toBe(!had);
            names = wanted;
          }
          expect(held).toEqual(copy);
          expect(chain.names).toEqual(names);
          expect(chain.all).toEqual(names.map((each) => made.get(each)));
          expect(chain.all).toBe(chain.all);
        }
      }),
    );
  });

  test('the chain finds a middleware by name or reference, and may have one twice (§6.4)', () => {
    function first() {}
    const second = () => {};
    const chain = new MiddlewareChain<() => void>().add(first).add(second, 'b').add(first).insertAfter(first, second);
    expect(chain.names).toEqual(['first', 'second', 'b', 'first']);
    expect(chain.remove(first)).toBe(true);
    expect(chain.names).toEqual(['second', 'b', 'first']);
    expect(chain.insertBefore('b', first, 'x').names).toEqual(['second', 'x', 'b', 'first']);
    expect(chain.remove(() => {})).toBe(false);
  });

  test('errors of the chain name the wanted middleware and the existing ones', () => {
    const chain = new MiddlewareChain<() => void>().add(() => {}, 'one');
    expect(() => chain.insertBefore('two', () => {})).toThrow(/no middleware "two"; it has \["one"\]/);
    expect(() => chain.add(() => {}, 'one')).toThrow(/"one" already/);
    // @ts-expect-error not a function
    expect(() => chain.add('logging')).toThrow(/expected a function, got string/);
  });
});
