// Checks the Lua of the Redis storage: `node scripts/lua.ts`, a part of `npm run check`. A file begins with the names that
// it needs, `local NAMES = require('MODULE')`. Each name that it uses is its own, one of these, or one of Lua.

import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const folder = join(import.meta.dirname, '../packages/server');
const token = /--[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[A-Za-z_]\w*|\d[\w.]*|\.\.\.?|[=~<>]=|\S/g;
const word = /^[A-Za-z_]/;
const keywords = new Set(
  'and break do else elseif end false for function if in local nil not or repeat return then true until while'.split(
    ' ',
  ),
);
/** The names of Lua and of Redis, and those that the loader puts before each script. */
const globals = new Set(
  `KEYS ARGV redis cjson cmsgpack struct bit logged require loaded reading adding changing ipairs pairs next select tonumber
  tostring type unpack string table math setmetatable`.split(/\s+/),
);

interface Local {
  readonly line: number;
  isUsed: boolean;
}

type Scope = Map<string, Local>;

interface Found {
  /** Names of inner scopes that nothing uses. */
  readonly unused: readonly string[];
  /** The names of the outermost scope. */
  readonly names: Scope;
  /** Names that the file uses and does not declare, with the line of each. */
  readonly free: ReadonlyMap<string, number>;
}

/** Looks at each name once, from the first to the last: a scope is a block, a function, or a table. */
function analyse(text: string): Found {
  const tokens = [...text.matchAll(token)].filter(([text]) => !text.startsWith('--'));
  const textAt = (at: number) => tokens[at]?.[0] ?? '';
  const lineAt = (at: number) => text.slice(0, tokens[at]?.index).split('\n').length;
  const names: Scope = new Map();
  const scopes: { readonly isTable: boolean; readonly names: Scope }[] = [{ isTable: false, names }];
  const unused: string[] = [];
  const free = new Map<string, number>();
  const open = (isTable = false) => scopes[scopes.push({ isTable, names: new Map() }) - 1]?.names ?? names;
  const close = () => {
    for (const [name, { line, isUsed }] of scopes.pop()?.names ?? [])
      if (!isUsed && name !== '_') unused.push(`${line}: nothing uses ${name}`);
  };
  const declare = (at: number, scope: Scope, isUsed = false) => scope.set(textAt(at), { line: lineAt(at), isUsed });
  const use = (at: number) => {
    const found = scopes.findLast(({ names }) => names.has(textAt(at)))?.names.get(textAt(at));
    if (found) found.isUsed = true;
    else if (!free.has(textAt(at))) free.set(textAt(at), lineAt(at));
  };
  const current = () => scopes.at(-1)?.names ?? names;
  /** The names of a loop are those of the block behind them. */
  let loop: number[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const [first, here] = [at, textAt(at)];
    if (here === 'function') {
      if (textAt(at - 1) === 'local') declare(at + 1, current());
      else if (word.test(textAt(at + 1))) use(at + 1);
      while (textAt(at) !== '(') at += 1;
      const isMethod = textAt(at - 2) === ':';
      const scope = open();
      if (isMethod) scope.set('self', { line: 0, isUsed: true });
      // Functions of one kind take the same parameters, so one that is not used is no mistake.
      for (; textAt(at) !== ')'; at += 1) if (word.test(textAt(at))) declare(at, scope, true);
    } else if (here === 'local' && textAt(at + 1) !== 'function') {
      for (; at === first || textAt(at) === ','; at += 2) declare(at + 1, current());
      at -= 1;
    } else if (here === 'for') {
      for (loop = []; textAt(at) !== 'in' && textAt(at) !== '='; at += 2) loop.push(at + 1);
    } else if (['do', 'then', 'repeat', 'else'].includes(here)) {
      if (here === 'else') close();
      const scope = open();
      for (const name of loop) declare(name, scope);
      loop = [];
    } else if (['end', 'until', 'elseif', '}'].includes(here)) close();
    else if (here === '{') open(true);
    else if (word.test(here) && !keywords.has(here) && textAt(at - 1) !== '.' && textAt(at - 1) !== ':') {
      const isKey = scopes.at(-1)?.isTable && textAt(at + 1) === '=' && '{,;'.includes(textAt(at - 1));
      if (!isKey) use(at);
    }
  }
  return { unused, names, free };
}

const files = globSync(['lua/*/*.lua', 'test/storage/redis/*.lua'], { cwd: folder }).toSorted();
const texts = new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
const found = new Map([...texts].map(([file, text]) => [file, analyse(text)]));
const header = /^local ([\w, ]+) = require\('([\w-]+)'\)$/gm;
const needs = [...texts].flatMap(([file, text]) =>
  [...text.matchAll(header)].map(([, names = '', module = '']) => ({ file, names: names.split(', '), module })),
);
const problems = [...found].flatMap(([file, { unused, free }]) => [
  ...unused.map((text) => `${file}:${text}`),
  ...[...free].flatMap(([name, line]) =>
    globals.has(name) ? [] : [`${file}:${line}: ${name} is no name of this file, nor does it require one`],
  ),
]);
/** Names that another file requires, and the module that has them. */
const taken = new Set<string>();
for (const { file, names, module } of needs) {
  const source = files.find((one) => /hot|lib/.test(one) && basename(one, '.lua') === module);
  const value = /^return (\w+)$/m.exec(texts.get(source ?? '') ?? '')?.[1];
  for (const name of names) {
    taken.add(`${module} ${name}`);
    if (!(value === undefined ? found.get(source ?? '')?.names.has(name) : name === value))
      problems.push(`${file}: the module ${module} has no ${name}`);
  }
}
for (const [file, { names }] of found)
  for (const [name, { line, isUsed }] of names)
    if (!isUsed && !taken.has(`${basename(file, '.lua')} ${name}`))
      problems.push(`${file}:${line}: nothing uses ${name}`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
