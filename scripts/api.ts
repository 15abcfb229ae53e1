// Lists what the SDK exports without a docstring: `npm run docs:api`. The site makes the pages of the API from them.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
// TypeScript 7 has no interface for programs yet.
import ts from 'typescript-api';

const root = fileURLToPath(new URL('..', import.meta.url));
const sdk = `${root}packages/sdk/`;

/** Exports, methods of classes and fields of options that have no docstring. */
export function undocumentedExports(): readonly string[] {
  const entries = readEntries();
  const { config } = ts.parseConfigFileTextToJson('tsconfig.json', readFileSync(`${root}tsconfig.json`, 'utf8'));
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(
    entries.map(({ source }) => source),
    options,
  );
  const checker = program.getTypeChecker();
  return entries.flatMap(({ specifier, source }) => {
    const exported = exportsOf(program, checker, source);
    if (exported.length === 0) throw new Error(`${source} exports nothing`);
    return exported.flatMap(({ name, target }) => {
      const declared = target.declarations ?? [];
      const own = declared.some(isDocumented) ? [] : [''];
      const members = [...declared.flatMap(gaps), ...silentMethods(checker, target, declared)];
      return [...own, ...members.map((member) => `.${member}`)].map((gap) => `${specifier} ${name}${gap}`);
    });
  });
}

function readEntries(): { specifier: string; source: string }[] {
  const manifest: { exports: Record<string, string> } = JSON.parse(readFileSync(`${sdk}package.json`, 'utf8'));
  return Object.entries(manifest.exports).map(([path, file]) => ({
    specifier: `@ojs-ts/sdk${path.slice(1)}`,
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
    .map((one) => ({ name: one.name, target: one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one }));
}

function isDocumented(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).length > 0;
}

/** Overloads document each other, and a disposer needs no words. */
function gaps(declared: ts.Declaration): string[] {
  const isOptions = ts.isInterfaceDeclaration(declared) && /(Options|Policy)$/.test(declared.name.text);
  if (!ts.isClassDeclaration(declared) && !isOptions) return [];
  const members = [...declared.members].filter(
    (member) => ts.isMethodDeclaration(member) || ts.isPropertySignature(member) || ts.isMethodSignature(member),
  );
  const documented = new Set(members.filter(isDocumented).map((member) => member.name.getText()));
  const names = new Set(members.map((member) => member.name.getText()).filter((name) => !/^[[#]/.test(name)));
  return [...names].filter((name) => !documented.has(name));
}

/** The methods that a class has from a table of rows, of which its declaration names only the table. */
function silentMethods(checker: ts.TypeChecker, target: ts.Symbol, declared: readonly ts.Declaration[]): string[] {
  const classes = declared.filter((one) => ts.isInterfaceDeclaration(one) || ts.isClassDeclaration(one));
  const heritage = classes.flatMap(({ heritageClauses = [] }) => heritageClauses.map((one) => one.getText())).join();
  if (!/\b(Camel|Methods|Blocking)</.test(heritage)) return [];
  const own = new Set(classes.flatMap(({ members }) => members.map((member) => member.name?.getText())));
  return checker
    .getDeclaredTypeOfSymbol(target)
    .getProperties()
    .filter(({ name }) => !own.has(name) && !/^(__|#)/.test(name))
    .filter((member) => checker.getTypeOfSymbol(member).getCallSignatures().length > 0)
    .filter((member) => !member.declarations?.some(isDocumented))
    .map(({ name }) => name);
}

if (import.meta.main) {
  const gapsFound = undocumentedExports();
  for (const name of gapsFound) console.error(`no docstring: ${name}`);
  if (gapsFound.length > 0) process.exitCode = 1;
}
