import { existsSync, globSync, readFileSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

/** Folders that are still to be divided. The list only shrinks, and ends empty. */
const crowded: readonly string[] = [];

/** Files that still import each other in a circle. The list only shrinks, and ends empty. */
const inCircles: readonly string[] = [];

/** The relative imports of each file, of types and by `import()` too. */
function importsOf(sources: ReadonlyMap<string, string>): ReadonlyMap<string, readonly string[]> {
  const specifier = /^(?:import|export)\s[^'";]*?from\s+'(\.[^']+)'|^import\s+'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'/gm;
  return new Map(
    [...sources].map(([file, text]) => {
      const found = [...text.matchAll(specifier)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
      return [file, found.map((path) => posix.join(posix.dirname(file), path))];
    }),
  );
}

/** The circles among files: strongly connected components of more than one file (Tarjan 1972), each sorted. */
function circles(imports: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): number => {
    const number = order.size;
    order.set(file, number);
    const depth = stack.push(file) - 1;
    let lowest = number;
    for (const imported of imports.get(file) ?? []) {
      if (!order.has(imported)) lowest = Math.min(lowest, visit(imported));
      else if (stack.includes(imported)) lowest = Math.min(lowest, order.get(imported) ?? number);
    }
    if (lowest === number) {
      const component = stack.splice(depth);
      if (component.length > 1) found.push(component.sort());
    }
    return lowest;
  };
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return found;
}

test('no files import each other in a circle, types included', () => {
  const files = globSync('{packages/*,conformance,examples,lab,scripts}/**/*.{ts,tsx}', {
    cwd: root,
    exclude: ['**/node_modules/**', '**/dist/**'],
  });
  expect(files.length).toBeGreaterThan(1_500);
  const imports = importsOf(new Map(files.map((file) => [file, readFileSync(resolve(root, file), 'utf8')])));
  expect(circles(imports).filter((circle) => !circle.every((file) => inCircles.includes(file)))).toEqual([]);
});

test('no folder has more than 25 files', () => {
  const counts = new Map<string, number>();
  // Not what the long tests install beside them.
  const files = globSync('{packages,lab}/*/{src,test}/**/*.*', { cwd: root, exclude: ['**/node_modules/**'] });
  for (const file of files) counts.set(posix.dirname(file), (counts.get(posix.dirname(file)) ?? 0) + 1);
  const over = [...counts].filter(([, count]) => count > 25).map(([folder]) => folder);
  expect(over.filter((folder) => !crowded.includes(folder))).toEqual([]);
});

test('a circle of types is found', () => {
  const sources = new Map([
    ['a/one.ts', "import type { Two } from './two.ts';"],
    ['a/two.ts', "export { three } from '../b/three.ts';"],
    ['b/three.ts', "const one = await import('../a/one.ts');"],
    ['b/four.ts', "import { three } from './three.ts';"],
  ]);
  expect(circles(importsOf(sources))).toEqual([['a/one.ts', 'a/two.ts', 'b/three.ts']]);
});

test('docs/internals/architecture.md and docs/internals/rules.md name files and functions that exist', () => {
  const missing: string[] = [];
  for (const page of ['docs/internals/architecture.md', 'docs/internals/rules.md']) {
    for (const line of readFileSync(resolve(root, page), 'utf8').split('\n')) {
      const paths = [...line.matchAll(/`(packages\/[^`*]+)`/g)].map(([, path = '']) => path);
      for (const path of paths) if (!existsSync(resolve(root, path))) missing.push(`${page}: ${path}`);
      if (!page.endsWith('rules.md')) continue;
      const files = paths.filter((path) => path.endsWith('.ts') && existsSync(resolve(root, path)));
      const texts = files.map((path) => readFileSync(resolve(root, path), 'utf8'));
      for (const [, name = ''] of line.matchAll(/`(\w+)`/g)) {
        const isExported = new RegExp(`^export (?:async )?(?:function\\*?|class|const) ${name}\\b`, 'm');
        if (!texts.some((text) => isExported.test(text))) missing.push(`${page}: ${name}`);
      }
    }
  }
  expect(missing).toEqual([]);
});
