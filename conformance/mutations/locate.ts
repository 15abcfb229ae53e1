import { parse, resolve, sep } from 'node:path';
import { didYouMean } from '../../packages/core/src/suggestion.ts';
import { type Declaration, declarationsOf, isPackage, packages, root } from './declarations.ts';
import type { Edit, Mutation } from './mutation.ts';

/**
 * Finds the text that the mutation replaces.
 * @throws Error where the package declares no such name, or where the text does not occur exactly once in it.
 */
export function locate({ name, in: place, find, replace }: Omit<Mutation, 'rule' | 'cases'>): Edit {
  const [path = '', wanted = ''] = place.split(': ');
  const [inPackage = '', ...within] = path.split('/');
  if (!isPackage(inPackage)) throw new Error(`mutation ${name}: ${inPackage} is no package.`);
  const declared = declarationsOf(inPackage);
  const named = declared.filter((one) => one.name === wanted && isWithin(one.file, within));
  const pattern = new RegExp(patternOf(find), 'g');
  const places = named.flatMap((one) => [...one.text.matchAll(pattern)].map((match) => ({ ...one, match })));
  const [first] = places;
  if (first && places.length === 1) {
    const { file, start, match } = first;
    return { name, file: resolve(root, file), start: start + match.index, find: match[0], replace };
  }
  const elsewhere =
    places.length > 0 ? [] : packages.flatMap(declarationsOf).filter(({ text }) => text.match(pattern)?.length === 1);
  const problem =
    named.length === 0
      ? `${place} is no function, method or constant.${didYouMean(wanted, new Set(declared.map((one) => one.name)))}`
      : `${JSON.stringify(find)} occurs ${places.length} times in ${listOf(named)}, not once.`;
  const hint = elsewhere.length > 0 ? ` It is in ${listOf(elsewhere)}.` : '';
  throw new Error(`mutation ${name}: ${problem}${hint}`);
}

function isWithin(file: string, names: readonly string[]): boolean {
  const { dir, name } = parse(file);
  const path = [...dir.split(sep), name];
  return names.every((one) => path.includes(one));
}

function listOf(declarations: readonly Declaration[]): string {
  return declarations.map(({ name, file }) => `${name} (${file})`).join(', ');
}

/** Reformatting changes white space, and the comma before a closing bracket. */
function patternOf(find: string): string {
  const tokens = find.match(/\w+|[^\w\s]/g) ?? [];
  return tokens.map((token, at) => gapBefore(token, tokens[at - 1]) + RegExp.escape(token)).join('');
}

function gapBefore(token: string, before: string | undefined): string {
  if (before === undefined) return '';
  if (/\w$/.test(before) && /^\w/.test(token)) return '\\s+';
  return /[)\]}]/.test(token) ? '\\s*,?\\s*' : '\\s*';
}
