// `npm run weight`: what the repository weighs. Circles of imports are a test (`core/test/house.test.ts`).
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(existing);
const texts = new Map<string, string>();
for (const file of tracked) {
  const bytes = readFileSync(join(root, file));
  if (!bytes.includes(0) && !/(?:package-lock\.json|\.svg)$/.test(file)) texts.set(file, bytes.toString());
}

function existing(file: string): boolean {
  return file !== '' && existsSync(join(root, file));
}

const linesOf = (text: string) => text.split('\n').length - 1;
const isCode = (file: string) => /\.(?:tsx?|mts|lua|sql)$/.test(file);
const isTest = (file: string) => isCode(file) && /(?:^|\/)tests?\//.test(file) && !/^lab\//.test(file);
const isSource = (file: string) => isCode(file) && /^packages\/[^/]+\/(?:src|app|lua|sql)\//.test(file);

const sum = (files: (file: string) => boolean) =>
  [...texts].reduce((lines, [file, text]) => lines + (files(file) ? linesOf(text) : 0), 0);
const source = [...texts].filter(([file]) => isSource(file));
const crumbs = source.filter(([file, text]) => !file.endsWith('.sql') && linesOf(text) < 20);
const long = source.flatMap(([, text]) => text.split('\n').filter((line) => line.length > 120));

console.log(`lines of text, without lock files and images: ${sum(() => true)}`);
console.log(`  of them source: ${sum(isSource)}, tests: ${sum(isTest)}`);
console.log(`source files under 20 lines: ${crumbs.length}`);
console.log(`lines of source over 120 columns: ${long.length}`);
