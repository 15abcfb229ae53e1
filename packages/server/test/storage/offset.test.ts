import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placesBehind, placesOf } from '../../src/storage/offset.ts';

interface Query {
  readonly after?: string;
  readonly offset?: number;
}

const step = 10;

/** A list of the numbers from 0 on, and how many places each of its reads asked for. */
function listOf(length: number) {
  const asked: number[] = [];
  const find = async ({ after }: Query, wanted: number) => {
    asked.push(wanted);
    const first = after === undefined ? 0 : Number(after) + 1;
    const all = Array.from({ length: Math.max(0, Math.min(wanted, length - first)) }, (_, index) => first + index);
    return placesOf<number, number>(all, String);
  };
  return { reads: { step, find }, asked };
}

test('the places behind an offset, of which no read has more than a step and a page', async () => {
  const numbers = fc.nat({ max: 5 * step });
  await fc.assert(
    fc.asyncProperty(numbers, numbers, fc.integer({ min: 1, max: 7 }), async (length, offset, wanted) => {
      const { reads, asked } = listOf(length);
      const { all, cursor } = await placesBehind<Query, number>({ offset }, wanted, reads);
      const expected = Array.from({ length }, (_, index) => index).slice(offset, offset + wanted);
      expect(all).toEqual(expected);
      expect(expected.map((_, index) => cursor(index))).toEqual(expected.map(String));
      expect([cursor(-1), cursor(expected.length)]).toEqual([null, null]);
      expect(Math.max(...asked)).toBeLessThan(step + wanted);
      // A short offset takes no read of its own.
      if (offset < step) expect(asked).toEqual([offset + wanted]);
    }),
  );
});

test('a cursor goes before an offset', async () => {
  const { reads, asked } = listOf(9);
  const { all } = await placesBehind<Query, number>({ after: '4', offset: 30 }, 3, reads);
  expect(all).toEqual([5, 6, 7]);
  expect(asked).toEqual([3]);
});
