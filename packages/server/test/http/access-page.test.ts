import { readFileSync } from 'node:fs';
import { rights, rightWords, rolesWith } from '@ojs-ts/core/access';
import { expect, test } from 'vitest';

const page = readFileSync(new URL('../../../../docs/operate/access.md', import.meta.url), 'utf8');

test('docs/operate/access.md has every right with its words and its roles', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (.+) \| ([a-z, ]+) \|$/gm)].map(([, ...cells]) => cells);
  expect(rows).toEqual(rights.map((right) => [right, rightWords[right], rolesWith(right).join(', ')]));
});
