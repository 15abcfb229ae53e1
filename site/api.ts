import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Application,
  Comment,
  type DeclarationReflection,
  LogLevel,
  ReflectionKind,
  type ReflectionSymbolId,
} from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import { answers } from '../packages/core/src/schemas/answers/index.ts';
import { root } from './places.ts';

/** The packages whose entries users import. */
const packages = ['sdk', 'server', 'dashboard'];

/** Writes the API pages as Markdown into `folder`: a page for each entry, class and interface. */
export async function writeApi(folder: string): Promise<void> {
  const entries = new Map(packages.flatMap(entriesOf));
  const options = {
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: [...entries.keys()].map((file) => join(root, file)),
    basePath: root,
    displayBasePath: root,
    tsconfig: join(root, 'site/tsconfig.api.json'),
    // TypeScript 7 checks the sources; the version here only reads them.
    skipErrorChecking: true,
    logLevel: LogLevel.Error,
    readme: 'none',
    name: 'API reference',
    excludePrivate: true,
    excludeExternals: true,
    disableSources: true,
    outputFileStrategy: 'members',
    membersWithOwnFile: ['Class', 'Interface'],
    excludeScopesInPaths: true,
    entryFileName: 'index',
    hideBreadcrumbs: true,
    hidePageHeader: true,
    useCodeBlocks: true,
    expandObjects: true,
    pageTitleTemplates: { index: 'API reference', module: '{name}', member: '{name}' },
  } satisfies Partial<PluginOptions> & Record<string, unknown>;
  const app = await Application.bootstrapWithPlugins(options);
  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the sources');
  for (const module of project.children ?? [])
    module.name = entries.get(`${module.name}/index.ts`) ?? entries.get(`${module.name}.ts`) ?? module.name;
  for (const one of [...(project.children?.find(({ name }) => name === '@ojs-ts/server')?.children ?? [])])
    if (isOfStorages(project.getSymbolIdFromReflection(one))) project.removeReflection(one);
  for (const one of project.getReflectionsByKind(ReflectionKind.Interface))
    describeMembers(one as DeclarationReflection);
  app.options.setValue('outputs', [{ name: 'markdown', path: folder }]);
  await app.generateOutputs(project);
  if (app.logger.hasErrors()) throw new Error('TypeDoc could not write the API pages; its messages are above.');
  for (const path of globSync('**/*.md', { cwd: folder })) {
    const file = join(folder, path);
    writeFileSync(file, withoutOrigins(readFileSync(file, 'utf8')));
  }
}

/**
 * Reports whether a symbol of the server's entry is a type of its storages, which it exports for those who write one.
 * They would be half of its pages.
 */
function isOfStorages(symbol: ReflectionSymbolId | undefined): boolean {
  return symbol?.packageName === '@ojs-ts/core' || /^src\/storage\/(?!open\.ts)/.test(symbol?.packagePath ?? '');
}

/** Members that a table or a schema gives to a class have its name as their origin, which no reader can look up. */
function withoutOrigins(page: string): string {
  return page
    .replaceAll(/^#+ Inherited from\n\n`.*\n\n/gm, '')
    .replaceAll(/^## Extends\n\n- `(?:Methods|Camel|Blocking)`.*\n\n/gm, '');
}

/** The source file of each entry of a package, and its specifier. */
function entriesOf(name: string): [file: string, specifier: string][] {
  const manifest: { exports: Record<string, string> } = JSON.parse(
    readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'),
  );
  return Object.entries(manifest.exports).map(([path, file]) => [
    join('packages', name, file),
    `@ojs-ts/${name}${path.slice(1)}`,
  ]);
}

/** An interface that is derived from the schema of an answer has its descriptions in that schema. */
function describeMembers({ children = [] }: DeclarationReflection): void {
  const descriptions = descriptionsOf(children.map(({ name }) => name));
  for (const child of children) {
    const text = descriptions[child.name];
    if (text !== undefined && !child.hasComment()) child.comment = new Comment([{ kind: 'text', text }]);
  }
}

/** The descriptions in the smallest schema of an answer that has all of these members. */
function descriptionsOf(names: readonly string[]): Readonly<Record<string, string>> {
  const fitting = objects.filter((one) => names.every((name) => Object.hasOwn(one, name)));
  return fitting[0] ?? {};
}

/** The members of every object in the schemas, in camel case, with their descriptions; the smallest objects first. */
const objects = objectsIn(answers).sort((a, b) => Object.keys(a).length - Object.keys(b).length);

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
