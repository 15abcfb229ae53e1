import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { home } from '../../../scripts/manifest.ts';
import { docsAddress, errorPlace, repositoryDocs } from '../src/documentation.ts';
import { type ErrorCode, type ErrorKind, errorKinds } from '../src/errors.ts';

const root = resolve(import.meta.dirname, '../../..');
const page = readFileSync(resolve(root, 'docs/reference/errors.md'), 'utf8');
const kinds = Object.entries(errorKinds) as readonly (readonly [ErrorCode, ErrorKind])[];
/** The text below each heading of a code. */
const sections = new Map(
  [...page.matchAll(/^### (\w+)\n+([\s\S]*?)(?=^#|(?![\s\S]))/gm)].map(([, code = '', text = '']) => [code, text]),
);

test('docs/reference/errors.md has a section for each code, with its names and its status', () => {
  expect([...sections.keys()].sort()).toEqual(kinds.map(([code]) => code).sort());
  for (const [code, { status, canonical, ojs, retryable }] of kinds) {
    const facts = `HTTP ${status} · \`${canonical}\` · \`${ojs}\` · ${retryable ? '' : 'not '}retryable`;
    expect(sections.get(code)?.split('\n', 1)).toEqual([facts]);
  }
});

/** Words in capitals of a message on the page are what the code puts in; the rest is in the code. */
const filledIn = /…|\b(?:N|ID|NAME|STATE|METHOD|PATH|FIELD|TIME|URI)\b/;

test('docs/reference/errors.md has the messages of the code', () => {
  const files = globSync('packages/{core,server}/src/**/*.ts', { cwd: root });
  const code = files
    .map((file) => readFileSync(resolve(root, file), 'utf8'))
    .join('\n')
    // Messages of several lines.
    .replaceAll(/['`] \+\n\s*['`]/g, '');
  const messages = [...sections.values()].flatMap((text) =>
    [...text.matchAll(/^- `([^`]+)`|^`([^`]+)`/gm)].map(([, listed, first]) => listed ?? first ?? ''),
  );
  expect(messages.length).toBeGreaterThan(40);
  const unknown = messages.filter((message) =>
    message.split(filledIn).some((part) => part.trim().length > 9 && !code.includes(part.trim())),
  );
  expect(unknown).toEqual([]);
});

test('an address is that of a page on a site, and of a file in a repository', () => {
  expect(docsAddress(errorPlace('queue_full'), 'https://jobs.test/docs/')).toBe(
    'https://jobs.test/docs/reference/errors.html#queue_full',
  );
  expect(docsAddress(errorPlace('queue_full'), repositoryDocs)).toBe(
    `${home}/blob/main/docs/reference/errors.md#queue_full`,
  );
});
