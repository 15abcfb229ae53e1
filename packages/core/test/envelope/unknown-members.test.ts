import { expect, test } from 'vitest';
import { maxWarnings, shapeOf, unknownMembers } from '../../src/job/index.ts';

const shape = shapeOf(['type', 'args'], { retry: shapeOf(['max_attempts']), steps: shapeOf(['type']) });

test('unknown members are found at every depth, with their paths; data of users is not inspected', () => {
  const value = { type: 'a', args: [{ b: 1 }], typ: 1, retry: { attempts: 2 }, steps: [{ type: 'x' }, { tpe: 'y' }] };
  expect(unknownMembers(value, shape, '$').map(({ path }) => path)).toEqual([
    '$.typ',
    '$.retry.attempts',
    '$.steps[1].tpe',
  ]);
});

test('the search ends after the last reported member', () => {
  const steps = Array.from({ length: 1_000 }, () => ({ a: 1 }));
  const watched = new Proxy(steps, {
    get(target, name, receiver) {
      if (typeof name === 'string' && Number(name) >= maxWarnings) throw new Error(`item ${name} was read`);
      return Reflect.get(target, name, receiver);
    },
  });
  expect(unknownMembers({ steps: watched }, shape, '$')).toHaveLength(maxWarnings);
});
