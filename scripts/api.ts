// Writes docs/api, which git ignores: a page for each entry of the SDK, from its declarations and their docstrings: `npm run docs:api`.
import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
// TypeScript 7 has no interface for programs yet.
import ts from 'typescript-api';
import { answers } from '../packages/core/src/schemas/answers/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const sdk = `${root}packages/sdk/`;
const core = `${root}packages/core/src`;

export interface Reference {
  /** File name in docs/api and its text. */
  readonly pages: ReadonlyMap<string, string>;
  /** What is exported without a docstring: exports, methods of classes, fields of options. */
  readonly undocumented: readonly string[];
}

interface Entry {
  readonly specifier: string;
  readonly page: string;
  readonly source: string;
}

/** What the declaration files say of a name: one statement, or several (overloads, a value and its type). */
type Declarations = ReadonlyMap<string, readonly ts.Statement[]>;

export function readReference(): Reference {
  const entries = readEntries();
  const { config } = ts.parseConfigFileTextToJson('tsconfig.json', readFileSync(`${root}tsconfig.json`, 'utf8'));
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(
    entries.map(({ source }) => source),
    // A path, because nothing is emitted of what is found by way of node_modules.
    {
      ...options,
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      paths: { '@ojs-ts/core': [`${core}/index.ts`], '@ojs-ts/core/*': [`${core}/*/index.ts`] },
    },
  );
  const checker = program.getTypeChecker();
  const declarations = declarationsOf(program);
  const pages = new Map<string, string>();
  const undocumented: string[] = [];
  const modules = entries.map((entry) => ({ ...entry, exported: exportsOf(program, checker, entry.source) }));
  // Something with two names stands at its own, in the first entry that has it; elsewhere is a link.
  const places = new Map<ts.Symbol, string>();
  for (const { page, exported } of modules) {
    for (const { name, target } of exported.toSorted((a) => (a.name === a.target.name ? -1 : 1))) {
      if (!places.has(target)) places.set(target, `${page}#${name.toLowerCase()}`);
    }
  }
  for (const { specifier, page, exported } of modules) {
    const sections = exported.map(({ name, target }) => {
      const place = places.get(target);
      if (place !== `${page}#${name.toLowerCase()}`)
        return `## ${name}\n\nThe same as [\`${target.name}\`](${place}).\n`;
      const found = declarations(target.declarations?.[0]?.getSourceFile(), target.name);
      if (found === undefined) throw new Error(`${specifier}: no declaration of ${name}`);
      undocumented.push(...found.flatMap(gaps).map((gap) => `${specifier} ${name}${gap}`));
      if (!found.some(isDocumented)) undocumented.push(`${specifier} ${name}`);
      const { text, gaps: more } = derivedMembers(checker, target, found);
      undocumented.push(...more.map((gap) => `${specifier} ${name}.${gap}`));
      return `## ${name}\n\n${render(found)}${text}`;
    });
    pages.set(page, `# ${specifier}\n\n${note}\n\n${sections.join('\n')}`);
  }
  const list = entries.map(({ specifier, page }) => `- [\`${specifier}\`](${page})`).join('\n');
  pages.set(
    'README.md',
    `# API reference\n\n${note}\n\n${list}\n\nWhat to do with it: the [guides](../guide/README.md), and the [SDK section by section](../../packages/sdk/README.md).\n`,
  );
  return { pages, undocumented };
}

const note = '<!-- Written by `npm run docs:api` from the docstrings in packages/sdk/src. -->';

function readEntries(): Entry[] {
  const manifest: { exports: Record<string, string> } = JSON.parse(readFileSync(`${sdk}package.json`, 'utf8'));
  return Object.entries(manifest.exports).map(([path, file]) => ({
    specifier: `@ojs-ts/sdk${path.slice(1)}`,
    page: `${path.slice(2) || 'sdk'}.md`,
    source: `${sdk}${file.slice(2)}`,
  }));
}

function exportsOf(
  program: ts.Program,
  checker: ts.TypeChecker,
  source: string,
): { name: string; target: ts.Symbol }[] {
  const file = program.getSourceFile(source);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${source} exports nothing`);
  return checker
    .getExportsOfModule(module)
    .map((one) => ({ name: one.name, target: one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What the declaration file of a source file says of a name. */
function declarationsOf(
  program: ts.Program,
): (file: ts.SourceFile | undefined, name: string) => readonly ts.Statement[] | undefined {
  const all = new Map<ts.SourceFile, Declarations>();
  return (file, name) => {
    if (file === undefined) return undefined;
    const known = all.get(file) ?? emitted(program, file);
    all.set(file, known);
    return known.get(name);
  };
}

function emitted(program: ts.Program, file: ts.SourceFile): Declarations {
  const names = new Map<string, ts.Statement[]>();
  const read = (name: string, text: string) => {
    for (const statement of ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true).statements) {
      for (const declared of namesIn(statement)) names.set(declared, [...(names.get(declared) ?? []), statement]);
    }
  };
  program.emit(file, read, undefined, true);
  return names;
}

function namesIn(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  return isNamed(statement) && statement.name !== undefined ? [statement.name.text] : [];
}

function isNamed(
  statement: ts.Statement,
): statement is ts.FunctionDeclaration | ts.ClassDeclaration | ts.InterfaceDeclaration | ts.TypeAliasDeclaration {
  return (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement)
  );
}

function isDocumented(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).length > 0;
}

/**
 * Methods of a class, and fields of options, that say nothing of themselves. Overloads speak for each other, a disposer
 * needs no words.
 */
function gaps(statement: ts.Statement): string[] {
  const isOptions = ts.isInterfaceDeclaration(statement) && /(Options|Policy)$/.test(statement.name.text);
  if (!ts.isClassDeclaration(statement) && !isOptions) return [];
  const members = [...statement.members].filter(
    (member) => ts.isMethodDeclaration(member) || ts.isPropertySignature(member) || ts.isMethodSignature(member),
  );
  const documented = new Set(members.filter(isDocumented).map((member) => member.name.getText()));
  const names = new Set(
    members.map((member) => member.name.getText()).filter((name) => !name.startsWith('[') && !documented.has(name)),
  );
  return [...names].map((name) => `.${name}`);
}

function render(statements: readonly ts.Statement[]): string {
  const docs = statements.flatMap((statement) => ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc).map(prose));
  return [...docs, `\`\`\`ts\n${statements.map(codeOf).join('\n')}\n\`\`\`\n`].join('\n');
}

function codeOf(statement: ts.Statement): string {
  return statement
    .getText()
    .replace(/^export (declare )?|^declare /, '')
    .replace(/^ {4}#private;\n/m, '')
    .replace(/^( {4})+/gm, (indent) => ' '.repeat(indent.length / 2));
}

function prose(doc: ts.JSDoc): string {
  const parts = [textOf(doc.comment)];
  for (const tag of doc.tags ?? []) {
    const name = ts.isJSDocParameterTag(tag)
      ? `\`${tag.name.getText()}\``
      : `${tag.tagName.text[0]?.toUpperCase()}${tag.tagName.text.slice(1)}`;
    const type = ts.isJSDocThrowsTag(tag) && tag.typeExpression ? ` \`${tag.typeExpression.type.getText()}\`` : '';
    parts.push(`${name}:${type} ${textOf(tag.comment)}`.trimEnd());
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function textOf(comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string {
  const text = typeof comment === 'string' ? comment : (comment ?? []).map((part) => part.getText()).join('');
  return text.replace(/\{@link (\w+)\}/g, '`$1`').replace(/^ *\* ?/gm, '');
}

/**
 * The methods that a class has from rows, and the members that an interface has from the schema of an answer. The
 * declaration names only the table.
 */
function derivedMembers(
  checker: ts.TypeChecker,
  target: ts.Symbol,
  statements: readonly ts.Statement[],
): { text: string; gaps: readonly string[] } {
  const declared = statements.filter((one) => ts.isInterfaceDeclaration(one) || ts.isClassDeclaration(one));
  const heritage = declared.flatMap(({ heritageClauses = [] }) => heritageClauses.map((one) => one.getText())).join();
  if (!/\b(Camel|Methods|Blocking)</.test(heritage)) return { text: '', gaps: [] };
  const own = new Set(declared.flatMap(({ members }) => members.map((member) => member.name?.getText())));
  const members = checker
    .getDeclaredTypeOfSymbol(target)
    .getProperties()
    .filter(({ name }) => !own.has(name) && !/^(__|#)/.test(name));
  const descriptions = descriptionsOf(members.map(({ name }) => name));
  const lines = members.map((member) => {
    const type = checker.getTypeOfSymbol(member);
    const [signature] = type.getCallSignatures();
    if (signature === undefined) {
      const about = descriptions[member.name];
      const mark = member.flags & ts.SymbolFlags.Optional ? '?' : '';
      return `- \`${member.name}${mark}: ${checker.typeToString(type)}\`${about === undefined ? '' : `: ${about}`}`;
    }
    const docs = (member.declarations ?? []).flatMap(ts.getJSDocCommentsAndTags).filter(ts.isJSDoc).map(prose);
    return `### ${member.name}\n\n${docs.join('\n')}\n\`\`\`ts\n${member.name}${checker.signatureToString(signature)}\n\`\`\`\n`;
  });
  const isSilent = (member: ts.Symbol) =>
    checker.getTypeOfSymbol(member).getCallSignatures().length > 0 && !member.declarations?.some(isDocumented);
  return { text: `\n${lines.join('\n')}\n`, gaps: members.filter(isSilent).map(({ name }) => name) };
}

/** The descriptions in the smallest schema of an answer that has all of these members. */
function descriptionsOf(names: readonly string[]): Readonly<Record<string, string>> {
  const fitting = objectsIn(answers).filter((one) => names.every((name) => Object.hasOwn(one, name)));
  return fitting.sort((a, b) => Object.keys(a).length - Object.keys(b).length)[0] ?? {};
}

/** The members of every object in the schemas, in camel case, with their descriptions. */
function objectsIn(schema: unknown): Record<string, string>[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const inner = Object.values(schema).flatMap(objectsIn);
  if (!('properties' in schema) || typeof schema.properties !== 'object' || schema.properties === null) return inner;
  const members = Object.entries(schema.properties).map(([name, member]: [string, { description?: string }]) => [
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    member.description,
  ]);
  return [Object.fromEntries(members), ...inner];
}

if (import.meta.main) {
  const { pages, undocumented } = readReference();
  const folder = `${root}docs/api/`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, text] of pages) await writeFile(folder + name, text);
  for (const name of undocumented) console.error(`no docstring: ${name}`);
  if (undocumented.length > 0) process.exitCode = 1;
}
