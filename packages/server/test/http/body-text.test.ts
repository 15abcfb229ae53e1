import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyCharacter } from '../../../core/test/support/text.ts';
import { BodyText } from '../../src/http/body-text.ts';

function read(bytes: Buffer, cuts: readonly number[]): string | null {
  const text = new BodyText();
  let at = 0;
  for (const cut of [...cuts].map((one) => one % (bytes.length + 1)).sort((a, b) => a - b)) {
    text.add(bytes.subarray(at, cut));
    at = cut;
  }
  text.add(bytes.subarray(at));
  return text.end();
}

const large = 300_000;

test('text is the same wherever its bytes are cut', () => {
  const units = fc.string({ unit: anyCharacter, maxLength: 20 });
  fc.assert(
    fc.property(units, fc.array(fc.nat(large), { maxLength: 5 }), fc.constantFrom(0, large), (unit, cuts, length) => {
      const text = unit.repeat(unit === '' ? 0 : Math.ceil((length + 1) / unit.length));
      expect(read(Buffer.from(text), cuts) === text).toBe(true);
    }),
    {
      examples: [
        ['é', [1], large],
        ['€', [262_144], large],
        ['😀', [262_145], large],
      ],
    },
  );
});

test('bytes that are no UTF-8 are none wherever they are cut, also where the last character is not whole', () => {
  for (const wrong of [[0xff], [0x80], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0xc3, 0x28]]) {
    const bytes = Buffer.concat([
      Buffer.alloc(large, 'a'),
      Buffer.from(wrong),
      Buffer.alloc(9, wrong.length > 1 ? '' : 'a'),
    ]);
    for (let cut = large - 3; cut <= bytes.length; cut++) expect(read(bytes, [cut])).toBeNull();
    expect(read(Buffer.from(wrong), [1])).toBeNull();
  }
  expect(read(Buffer.alloc(0), [])).toBe('');
});
