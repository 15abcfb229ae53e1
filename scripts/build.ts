// Builds what is published: packages/NAME/dist is the package as npm packs it. `npm run build`, or with names: `npm run
// build -- core sdk`.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, glob, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { type Manifest, published } from './manifest.ts';
import { buildPages } from './setup/pages.mjs';

interface Package {
  readonly name: string;
  /** Whether it is built as CommonJS too: the specification asks for both of an SDK. */
  readonly commonjs: boolean;
  /** Folders that are read at run time, beside `lib`. */
  readonly assets: readonly string[];
  /**
   * Modules of `src` that somebody names, without extension; all others go into few files with them: opening and
   * linking a module takes Node 0.3 ms, and a server has 190. Absent: one file out for one file in, so that the bundler
   * of an application drops what is not used.
   */
  readonly entries?: readonly string[];
  /** An entry of another package whose modules are taken in, so that a start opens no file for each of them. */
  readonly takesIn?: string;
}

const packages: readonly Package[] = [
  { name: 'core', commonjs: true, assets: [] },
  { name: 'sdk', commonjs: true, assets: [] },
  { name: 'dashboard', commonjs: false, assets: ['public'] },
  { name: 'docs', commonjs: false, assets: ['public'] },
  {
    name: 'server',
    commonjs: false,
    assets: ['sql', 'lua'],
    entries: ['index', 'storage/sqlite/disk/checkpoint-thread', 'storage/sqlite/disk/file-check-program'],
    takesIn: '@ojs-ts/core/memory',
  },
  { name: 'cli', commonjs: false, assets: ['templates'], entries: ['main', 'start', 'dev/worker-program'] },
  { name: 'create', commonjs: false, assets: [], entries: ['main'] },
];

const root = new URL('..', import.meta.url);
const rootFolder = fileURLToPath(root);
const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', root));

/**
 * Everything but our own files and the helpers for syntax that Node 22 does not know yet (`using`): those come along.
 */
const external = /^(?!@oxc-project\/)[#@a-z]/;

/** What a CommonJS module has in place of `import.meta.url`. */
const here = "require('node:url').pathToFileURL(__filename).href";

async function scripts(
  directory: string,
  format: 'esm' | 'cjs',
  { entries, takesIn }: Pick<Package, 'entries' | 'takesIn'>,
): Promise<void> {
  const build = await rolldown({
    cwd: directory,
    input:
      entries === undefined
        ? await Array.fromAsync(glob('src/**/*.ts', { cwd: directory }))
        : Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
    external: (id) => id !== takesIn && external.test(id),
    platform: 'neutral',
    logLevel: 'silent',
    transform: { target: 'es2024', ...(format === 'cjs' && { define: { 'import.meta.url': here } }) },
  });
  const entryFileNames = format === 'cjs' ? '[name].cjs' : '[name].js';
  await build.write({
    dir: 'dist/lib',
    ...(entries === undefined && { preserveModules: true, preserveModulesRoot: 'src' }),
    format,
    exports: 'named',
    entryFileNames,
  });
  await build.close();
}

const relative = /(['"])(\.{1,2}\/[^'"]+)\.ts\1/g;

/**
 * Names of the library that a project has only with @types/node or `lib: esnext`; TypeScript has known the reference
 * since 5.2.
 */
const disposable = /\b(?:Async)?Disposable\b|\bSymbol\.(?:asyncD|d)ispose\b/;

/** Declarations name the files that they stand beside; those of CommonJS are the same under their own names. */
async function declarations(directory: string, commonjs: boolean): Promise<void> {
  const out = join(directory, 'dist/lib');
  const options = [
    '--noEmit',
    'false',
    '--declaration',
    '--emitDeclarationOnly',
    '--outDir',
    out,
    '--rootDir',
    join(directory, 'src'),
  ];
  const config = join(directory, 'dist/tsconfig.json');
  await writeFile(
    config,
    JSON.stringify({ extends: join(rootFolder, 'tsconfig.json'), include: ['../src'], exclude: [] }),
  );
  await promisify(execFile)(process.execPath, [tsc, '-p', config, ...options], { cwd: directory });
  await rm(config);
  for await (const file of glob('**/*.d.ts', { cwd: out })) {
    const declared = await readFile(join(out, file), 'utf8');
    const text = disposable.test(declared) ? `/// <reference lib="esnext.disposable" />\n${declared}` : declared;
    await writeFile(join(out, file), text.replace(relative, '$1$2.js$1'));
    if (commonjs) await writeFile(join(out, file.replace(/\.d\.ts$/, '.d.cts')), text.replace(relative, '$1$2.cjs$1'));
  }
}

function isSiteBuilt(): boolean {
  return existsSync(new URL('packages/docs/public/pages.json', root));
}

export async function buildPackage({ name, commonjs, assets, ...how }: Package): Promise<void> {
  const directory = new URL(`packages/${name}/`, root);
  const folder = fileURLToPath(directory);
  const output = new URL('dist/', directory);
  const manifest: Manifest = JSON.parse(await readFile(new URL('package.json', directory), 'utf8'));
  if (name === 'dashboard') buildPages(rootFolder, process.execPath);
  if (name === 'docs' && !isSiteBuilt())
    throw new Error('packages/docs/public is missing. Run: npm run site -- --package');
  await rm(output, { recursive: true, force: true });
  await scripts(folder, 'esm', how);
  if (commonjs) await scripts(folder, 'cjs', how);
  await declarations(folder, commonjs);
  for (const asset of assets)
    await cp(new URL(`${asset}/`, directory), new URL(`${asset}/`, output), { recursive: true });
  await cp(new URL('LICENSE', root), new URL('LICENSE', output));
  await cp(new URL('README.md', directory), new URL('README.md', output));
  const text = JSON.stringify(published(manifest, commonjs, `packages/${name}`), null, 2);
  await writeFile(new URL('package.json', output), `${text}\n`);
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !packages.some((known) => known.name === name));
if (unknown.length > 0) {
  console.error(`build: expected some of ${packages.map(({ name }) => name).join(', ')}, got ${unknown.join(', ')}`);
  process.exit(1);
}
for (const one of packages) {
  // The site has tools of its own to install, so a build of everything takes its pages only if they are there.
  if (wanted.length === 0 ? one.name !== 'docs' || isSiteBuilt() : wanted.includes(one.name)) await buildPackage(one);
}
