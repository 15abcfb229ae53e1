import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const docs = resolve(import.meta.dirname, '../../../../docs/internals');

/** Where the links of a page of `docs/internals` lead. */
export function linksIn(text: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1] ?? '');
}

/** The rows of every table of a page, without heads, as their cells. */
export function rowsOf(page: string): readonly (readonly string[])[] {
  const lines = page.split('\n');
  return lines
    .filter((line, at) => line.startsWith('| ') && !line.startsWith('| ---') && !lines[at + 1]?.startsWith('| ---'))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** What is wrong with a cell of links to test files, each followed by the name of a test in it: “name”. */
export function wrongProofs(cell: string): readonly string[] {
  const proofs = [...cell.matchAll(/\]\(([^)]+)\) “([^”]+)”/g)];
  if (proofs.length === 0 || proofs.length !== linksIn(cell).length) return [cell];
  return proofs.flatMap(([, path = '', name = '']) => (hasTest(resolve(docs, path), name) ? [] : [`${path}: ${name}`]));
}

function hasTest(file: string, name: string): boolean {
  if (!existsSync(file)) return false;
  const text = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`\\(\\s*(['"\`])${text}\\1,`).test(readFileSync(file, 'utf8'));
}
