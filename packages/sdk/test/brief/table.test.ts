import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../../..');
const docs = join(root, 'docs');
const page = readFileSync(join(docs, 'brief.md'), 'utf8');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Row {
  readonly line: string;
  readonly feature: string;
  readonly here: string;
  readonly lives: string;
  readonly proof: string;
}

const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| the brief |') && !line.startsWith('| ---'))
  .map((line): Row => {
    const [, feature = '', here = '', lives = '', proof = ''] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    return { line, feature, here, lives, proof };
  });
const links = (text: string) => [...text.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1] ?? '');

test('every row of docs/brief.md is whole, and each file that it names is there', () => {
  expect(rows.length).toBeGreaterThan(200);
  const halves = rows.filter(({ feature, here, lives, proof }) => [feature, here, lives, proof].includes(''));
  expect(halves).toEqual([]);
  const missing = links(page).filter((path) => !path.startsWith('http') && !existsSync(resolve(docs, path)));
  expect(missing).toEqual([]);
});

test('every test that docs/brief.md names is there', () => {
  const wrong: string[] = [];
  for (const row of rows) {
    const proofs = [...row.proof.matchAll(/\]\(([^)]+)\) “([^”]+)”/g)];
    if (proofs.length === 0 || proofs.length !== links(row.proof).length) wrong.push(row.line);
    for (const [, path = '', name = ''] of proofs) {
      const source = readFileSync(resolve(docs, path), 'utf8');
      const named = ["'", '"', '`'].some((quote) => source.includes(`(${quote}${name}${quote},`));
      if (!named) wrong.push(`${path}: ${name}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('the steps of Development and Contributing stand in package.json and CONTRIBUTING.md', () => {
  const { scripts } = JSON.parse(read('package.json'));
  const guide = read('CONTRIBUTING.md');
  for (const name of ['test', 'coverage', 'typecheck', 'lint']) expect(scripts).toHaveProperty(name);
  for (const command of ['npm test', 'npm run coverage', 'npm run typecheck', 'npm run lint']) expect(guide).toContain(command);
  expect(guide.match(/^\d\. /gm)?.length).toBeGreaterThanOrEqual(6);
});

test('the head of the README has the badges, and the way to try it', () => {
  const head = read('README.md').split('\n## ')[0] ?? '';
  expect(head.match(/^\[!\[/gm)?.length).toBeGreaterThanOrEqual(2);
  expect(head).toContain('npm start');
  expect(head).toContain('**Try it now**');
  expect(head).toContain('http://localhost:8080/playground');
  expect(existsSync(join(root, '.github/workflows/ci.yml'))).toBe(true);
});

test('the license is Apache 2.0', () => {
  expect(read('LICENSE')).toContain('Apache License');
  expect(JSON.parse(read('packages/sdk/package.json')).license).toBe('Apache-2.0');
});
