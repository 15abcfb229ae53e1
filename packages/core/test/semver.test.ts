import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareVersions, readVersion, type Version } from '../src/requests/index.ts';
import { words } from './support/text.ts';

function version(text: string): Version {
  const read = readVersion(text);
  if (read === null) throw new Error(`${text} is no version`);
  return read;
}

describe('versions', () => {
  test('have the order of Semantic Versioning §11, one or two numbers being the first of three', () => {
    const ordered = words(`
      0 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1
    `);
    const more = [...ordered, '1.0.1', '1.2', '1.10.0', '2.0.0', '10'];
    for (const [index, text] of more.entries()) {
      for (const [other, another] of more.entries()) {
        expect(Math.sign(compareVersions(version(text), version(another))), `${text} and ${another}`).toBe(
          Math.sign(index - other),
        );
      }
    }
  });

  test('build metadata does not count', () => {
    expect(compareVersions(version('1.0.0+a'), version('1.0.0+b'))).toBe(0);
  });

  test.each(['', 'v1', '1.', '1.2.3.4', '1.0.0-', '-1', '1.0.0-a..b', '1 ', `1.0.0-${'a'.repeat(64)}`, 'latest'])(
    '%j is refused',
    (text) => {
      expect(readVersion(text)).toBe(null);
    },
  );

  test('any three compare consistently', () => {
    const text = fc
      .tuple(
        fc.nat(3),
        fc.nat(3),
        fc.nat(3),
        fc.array(fc.oneof(fc.nat(3).map(String), fc.constantFrom('a', 'b')), { maxLength: 3 }),
      )
      .map(([major, minor, patch, pre]) => `${major}.${minor}.${patch}${pre.length > 0 ? `-${pre.join('.')}` : ''}`);
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        const compare = (one: string, other: string) => Math.sign(compareVersions(version(one), version(other)));
        expect(compare(a, b)).toBe(-compare(b, a) + 0);
        if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0);
        expect(compare(a, b) === 0).toBe(a === b);
      }),
    );
  });
});
