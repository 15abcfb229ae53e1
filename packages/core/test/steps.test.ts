import { expect, test } from 'vitest';
import { type Answered, ask, atOnce, every, run, type Steps } from '../src/steps.ts';

function* sum(read: (index: number) => Answered<number>): Steps<number> {
  const first = yield* ask(read(0));
  try {
    const others = yield* ask(every([read(1), read(2)]));
    return others.reduce((total, one) => total + one, first);
  } catch {
    return -first;
  }
}

test('a store that answers at once has the result at once', () => {
  expect(run(sum((index) => index + 1))).toBe(6);
});

test('a store that answers with promises, or with some, has a promise of the same result', async () => {
  await expect(run(sum(async (index) => index + 1))).resolves.toBe(6);
  await expect(run(sum((index) => (index === 2 ? Promise.resolve(3) : index + 1)))).resolves.toBe(6);
});

test('work may catch what its store throws or rejects with', async () => {
  const broken = (index: number) => {
    if (index > 0) throw new Error('broken');
    return 5;
  };
  expect(run(sum(broken))).toBe(-5);
  await expect(run(sum(async (index) => broken(index)))).resolves.toBe(-5);
});

test('what work does not catch reaches its caller', async () => {
  const broken = () => {
    throw new Error('broken');
  };
  expect(() => run(sum(broken))).toThrow('broken');
  await expect(run(sum(async () => broken()))).rejects.toThrow('broken');
});

test('atOnce refuses a promise', () => {
  expect(atOnce(1)).toBe(1);
  expect(() => atOnce(Promise.resolve(1))).toThrow('This store answered with a promise');
});
