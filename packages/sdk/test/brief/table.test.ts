import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { docs, linksIn, rowsOf, wrongProofs } from './proofs.ts';

const root = resolve(import.meta.dirname, '../../../..');
const page = readFileSync(join(docs, 'brief.md'), 'utf8');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('every row of docs/internals/brief.md is whole, and each file that it names is there', () => {
  const rows = rowsOf(page);
  expect(rows.length).toBeGreaterThan(200);
  expect(rows.filter((cells) => cells.length !== 4 || cells.includes(''))).toEqual([]);
  const missing = linksIn(page).filter((path) => !path.startsWith('http') && !existsSync(resolve(docs, path)));
  expect(missing).toEqual([]);
});

test('every test that docs/internals/brief.md names is there', () => {
  const proofs = rowsOf(page).map(([, , , proof = '']) => proof);
  expect(proofs.flatMap(wrongProofs)).toEqual([]);
});

test('the steps of Development and Contributing stand in package.json and CONTRIBUTING.md', () => {
  const { scripts } = JSON.parse(read('package.json'));
  const guide = read('CONTRIBUTING.md');
  for (const name of ['test', 'coverage', 'typecheck', 'lint']) expect(scripts).toHaveProperty(name);
  for (const command of ['npm test', 'npm run coverage', 'npm run typecheck', 'npm run lint'])
    expect(guide).toContain(command);
  expect(guide.match(/^\d\. /gm)?.length).toBeGreaterThanOrEqual(6);
});

test('the head of the README has the badges, and the way to try it', () => {
  const head = read('README.md').split('\n## ')[0] ?? '';
  expect(head.match(/^\[!\[/gm)?.length).toBeGreaterThanOrEqual(2);
  expect(head).toContain('npm start');
  expect(head).toContain('**Try it now**');
  expect(head).toContain('http://localhost:8080/dashboard/playground');
  expect(existsSync(join(root, '.github/workflows/ci.yml'))).toBe(true);
});

test('the license is Apache 2.0', () => {
  expect(read('LICENSE')).toContain('Apache License');
  expect(JSON.parse(read('packages/sdk/package.json')).license).toBe('Apache-2.0');
});
