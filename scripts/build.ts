// Builds what is published: packages/NAME/dist is the package as npm packs it. `npm run build`, or with names: `npm run build -- core sdk`.
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';
import { type Manifest, published } from './manifest.ts';

interface Package {
  readonly name: string;
  /** Whether it is built as CommonJS too: the specification asks for both of an SDK. */
  readonly commonjs: boolean;
  /** Folders that are read at run time, beside `lib`. */
  readonly assets: readonly string[];
}

const packages: readonly Package[] = [
  { name: 'core', commonjs: true, assets: [] },
  { name: 'sdk', commonjs: true, assets: [] },
  { name: 'server', commonjs: false, assets: ['sql', 'lua'] },
  { name: 'cli', commonjs: false, assets: [] },
];

const root = new URL('..', import.meta.url);
const repository = 'git+https://github.com/ojs-ts/ojs-ts.git';

export async function buildPackage({ name, commonjs, assets }: Package): Promise<void> {
  const directory = new URL(`packages/${name}/`, root);
  const output = new URL('dist/', directory);
  const manifest: Manifest = JSON.parse(await readFile(new URL('package.json', directory), 'utf8'));
  await rm(output, { recursive: true, force: true });
  await build({
    cwd: fileURLToPath(directory),
    config: false,
    logLevel: 'error',
    inputOptions: { checks: { pluginTimings: false } },
    entry: ['src/**/*.ts'],
    outDir: 'dist/lib',
    format: commonjs ? ['esm', 'cjs'] : ['esm'],
    // One file out for one file in: stack traces and `new URL(…, import.meta.url)` stay right, and a bundler drops what is not used.
    unbundle: true,
    dts: true,
    sourcemap: false,
    platform: 'neutral',
    target: 'es2024',
    // All but the helpers for syntax that Node 22 does not know yet (`using`): those come along.
    deps: { neverBundle: [/^(?!@oxc-project\/)[#@a-z]/] },
    outExtensions: ({ format }) => (format === 'cjs' ? { js: '.cjs', dts: '.d.cts' } : { js: '.js', dts: '.d.ts' }),
  });
  for (const asset of assets) await cp(new URL(`${asset}/`, directory), new URL(`${asset}/`, output), { recursive: true });
  await cp(new URL('LICENSE', root), new URL('LICENSE', output));
  const own = new URL('README.md', directory);
  await cp(existsSync(own) ? own : new URL('README.md', root), new URL('README.md', output));
  await mkdir(output, { recursive: true });
  const text = JSON.stringify(published(manifest, commonjs, repository, `packages/${name}`), null, 2);
  await writeFile(new URL('package.json', output), `${text}\n`);
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !packages.some((known) => known.name === name));
if (unknown.length > 0) {
  console.error(`build: expected some of ${packages.map(({ name }) => name).join(', ')}, got ${unknown.join(', ')}`);
  process.exit(1);
}
for (const one of packages) if (wanted.length === 0 || wanted.includes(one.name)) await buildPackage(one);
