import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { documentOf } from '../rules/document.ts';
import { sections } from '../rules/index.ts';
import { loadSuite } from '../src/index.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const { cases } = await loadSuite(at('../cases'));
const rules = sections.flatMap((section) => section.rules);

test('every rule names cases that exist, or says why no case can check it', () => {
  const ids = new Set(cases.map(({ id }) => id));
  for (const { must, cases: named, why } of rules) {
    expect(named.filter((id) => !ids.has(id))).toEqual([]);
    expect(named.length > 0 || why !== undefined, must).toBe(true);
  }
});

test('every case holds a rule', () => {
  const named = new Set(rules.flatMap((rule) => rule.cases));
  expect(cases.map(({ id }) => id).filter((id) => !named.has(id))).toEqual([]);
});

test('every reference of a rule and a case has a form that conformance/README.md explains', () => {
  const form =
    /^(ojs-[a-z-]+( (§[\d.]+|App\. [A-Z]|[A-Z]+-\d+)(, (§[\d.]+|[A-Z]+-\d+))*)?|official L?[A-Z\d-]+(, [A-Z\d-]+)*|deviations (X\d+(, X\d+)*|quirks)|x-[a-z-]+|docs\/[a-z/-]+\.md|published clients)$/;
  const references = [...rules.map(({ ref }) => ref), ...cases.map(({ specRef }) => specRef)];
  for (const text of references) for (const one of text.split('; ')) expect(one).toMatch(form);
});

test('the tests that rules name exist', async () => {
  const missing: string[] = [];
  for (const [file, name] of rules.flatMap(({ tests = [] }) => tests)) {
    const source = await readFile(at(`../../${file}`), 'utf8').catch(() => null);
    if (name === '' || source?.includes(name) !== true) missing.push(`${file}: ${name}`);
  }
  expect(missing).toEqual([]);
});

test('the page that `npm run docs` writes has every rule and case', () => {
  const page = documentOf(sections, cases);
  const named = [...rules.map(({ must }) => must.replaceAll('|', '\\|')), ...cases.map(({ id }) => id)];
  expect(named.filter((text) => !page.includes(text))).toEqual([]);
});
