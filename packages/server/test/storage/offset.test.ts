import fc from 'fast-check';
import { expect, test } from 'vitest';
import { passOffset, placesOf } from '../../src/storage/offset.ts';

interface Query {
  readonly after?: string;
  readonly offset?: number;
}

/** A list of the numbers from 0 on, and how many places each of its reads asked for. */
function listOf(length: number) {
  const asked: number[] = [];
  const find = async ({ after }: Query, wanted: number) => {
    asked.push(wanted);
    const first = after === undefined ? 0 : Number(after) + 1;
    const all = Array.from({ length: Math.max(0, Math.min(wanted, length - first)) }, (_, index) => first + index);
    return placesOf<number, number>(all, String);
  };
  return { find, asked };
}

test('a cursor takes the place of an offset, and no read asks for more than 10,000 places', async () => {
  const numbers = fc.nat({ max: 45_000 });
  await fc.assert(
    fc.asyncProperty(numbers, numbers, async (length, offset) => {
      const { find, asked } = listOf(length);
      const from = await passOffset<Query, number>({ offset }, find);
      const expected = offset === 0 ? undefined : String(offset - 1);
      if (offset > length) expect(from).toBeNull();
      else expect(from?.after).toBe(expected);
      expect(Math.max(0, ...asked)).toBeLessThanOrEqual(10_000);
    }),
  );
});

test('a cursor goes before an offset', async () => {
  const { find, asked } = listOf(9);
  expect(await passOffset<Query, number>({ after: '4', offset: 3 }, find)).toEqual({ after: '4', offset: 3 });
  expect(asked).toEqual([]);
});
