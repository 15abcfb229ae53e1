import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript-api';
import type { Package } from './mutation.ts';

/** A function, a method, a class or a constant, with its place. */
export interface Declaration {
  readonly name: string;
  /** Path from the project's root. */
  readonly file: string;
  readonly start: number;
  readonly text: string;
}

/** The root of the project. */
export const root = resolve(import.meta.dirname, '../..');

const sources: Readonly<Record<Package, string>> = {
  core: 'packages/core/src/**/*.ts',
  sdk: 'packages/sdk/src/**/*.ts',
  server: 'packages/server/src/**/*.ts',
  lua: 'packages/server/lua/**/*.lua',
};

export const packages: readonly Package[] = ['core', 'sdk', 'server', 'lua'];

export function isPackage(name: string): name is Package {
  return name in sources;
}

const known = new Map<Package, readonly Declaration[]>();

/** What the files of a package declare at their top levels, and the members of classes, as it was at the first call. */
export function declarationsOf(name: Package): readonly Declaration[] {
  let declared = known.get(name);
  if (!declared) {
    declared = globSync(sources[name], { cwd: root }).flatMap((file) => {
      const source = readFileSync(resolve(root, file), 'utf8');
      return name === 'lua' ? inLua(file, source) : inTypeScript(file, source);
    });
    known.set(name, declared);
  }
  return declared;
}

function inTypeScript(file: string, source: string): readonly Declaration[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ESNext);
  const declared: Declaration[] = [];
  const add = (name: string, node: ts.Node) => {
    const start = node.getStart(tree);
    declared.push({ name, file, start, text: source.slice(start, node.end) });
  };
  for (const statement of tree.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations)
        if (ts.isIdentifier(name)) add(name.text, statement);
    } else if (ts.isFunctionDeclaration(statement)) {
      if (statement.name) add(statement.name.text, statement);
    } else if (ts.isClassDeclaration(statement) && statement.name) {
      const of = statement.name.text;
      add(of, statement);
      for (const member of statement.members) {
        if (ts.isConstructorDeclaration(member)) add(`${of}.constructor`, member);
        else if (member.name && (ts.isIdentifier(member.name) || ts.isPrivateIdentifier(member.name)))
          add(`${of}.${member.name.text.replace(/^#/, '')}`, member);
      }
    }
  }
  return declared;
}

/** A function ends with the first `end` that is indented as its first line is. */
function inLua(file: string, source: string): readonly Declaration[] {
  const declared: Declaration[] = [];
  for (const { 0: line, 1: indent = '', 2: name = '', index } of source.matchAll(
    /^([ \t]*)(?:local )?function ([\w.:]+).*$/gm,
  )) {
    const rest = source.slice(index);
    const end = /\bend\s*$/.test(line) ? line.length : rest.indexOf(`\n${indent}end`) + 1 + indent.length + 3;
    declared.push({ name, file, start: index, text: rest.slice(0, end) });
  }
  return declared;
}
