import { existsSync, globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { home } from '../../../scripts/manifest.ts';
import { docsAddress, errorPlace, findingPlace, repositoryDocs } from '../src/documentation.ts';
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

/** The anchors of a page, as GitHub and the site make them. */
function anchorsOf(path: string): readonly string[] {
  const headings = readFileSync(resolve(root, 'docs', path), 'utf8').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function isPlace(address: string): boolean {
  const [path = '', anchor = ''] = address.replace(repositoryDocs, '').split('#');
  return existsSync(resolve(root, 'docs', path)) && anchorsOf(path).includes(anchor);
}

test('each error, each finding of the doctor and each alert has a section', () => {
  const sources = ['engine/diagnosis.ts', 'storage/diagnosis.ts'].map((path) =>
    readFileSync(resolve(root, 'packages/server/src', path), 'utf8'),
  );
  const findings = sources.flatMap((text) => {
    const [type = ''] = /FindingCode =[^;]*/.exec(text) ?? [];
    return [...type.matchAll(/'(\w+)'/g)].map(([, code = '']) => code);
  });
  const rules = readFileSync(resolve(root, 'deploy/prometheus/rules.yaml'), 'utf8');
  const alerts = [...rules.matchAll(/- alert: (\w+)[\s\S]*?(?=- alert|- name|(?![\s\S]))/g)];
  const runbooks = alerts.map(([text]) => /^ {10}runbook_url: (\S+)$/m.exec(text)?.[1] ?? text);
  expect([findings.length, alerts.length]).toEqual([35, 11]);
  const addresses = [
    ...kinds.map(([code]) => docsAddress(errorPlace(code), repositoryDocs)),
    ...findings.map((code) => docsAddress(findingPlace(code), repositoryDocs)),
    ...runbooks,
  ];
  expect(addresses.filter((address) => !isPlace(address))).toEqual([]);
});
