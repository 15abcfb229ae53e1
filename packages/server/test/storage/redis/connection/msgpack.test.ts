import { expect, test } from 'vitest';
import { Packer, unpack } from '../../../../src/storage/redis/connection/msgpack.ts';

test('what is packed stays as it is while the packer packs others, small or larger than the buffer that it keeps', () => {
  const packer = new Packer();
  const values = [10, 70_000, 600_000, 3_000_000, 20, 1_100_000, 1_050_000, 30].map((size, at) => [
    `${at}`.repeat(size),
    at,
    null,
  ]);
  const packed = values.map((value) => packer.pack(value));
  expect(packed.map(unpack)).toEqual(values.map(([text = '', at = 0]) => [text, at, false]));
});
