// docs/guides/common-errors.md against the table of mistakes, whose messages a long test compares with the code.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');

/** A message of several lines is one line on the page. */
const messages = read('packages/sdk/test/client/mistakes.txt')
  .split(/^\[(?:ts|sh|http)\]$/m)
  .slice(1)
  .map((mistake) =>
    mistake
      .slice(mistake.indexOf('\n=>\n') + '\n=>\n'.length)
      .trim()
      .replaceAll(/\s*\n\s*/g, ' '),
  );

test('docs/guides/common-errors.md has each message of the table of mistakes, and no other', () => {
  const shown = [...read('docs/guides/common-errors.md').matchAll(/^- (`+)(.+)\1\\$/gm)].map(([, , text = '']) => text);
  expect(messages.length).toBeGreaterThan(35);
  expect(shown.toSorted()).toEqual(messages.toSorted());
});
