/** Fields of a package.json that publishing changes or needs. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly imports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** The address that the README has. */
export const home = 'https://github.com/ojs-ts/ojs-ts';

/** Paths in `exports` and `imports` begin with `./`; npm drops a `bin` that does. */
const source = /^(\.\/|)src\/(.*)\.ts$/;

/** The same file as it is built: without its extension, in `lib`. */
function built(path: string): string {
  const [, start, stem] = source.exec(path) ?? [];
  if (stem === undefined) throw new Error(`expected a path such as ./src/index.ts, got ${path}`);
  return `${start}lib/${stem}`;
}

/**
 * Types stand beside each form: a CommonJS consumer that reads the declarations of a module gets errors of its own
 * (arethetypeswrong, "masquerading").
 */
function forms(path: string, commonjs: boolean): object {
  const stem = built(path);
  const module = { types: `${stem}.d.ts`, default: `${stem}.js` };
  return commonjs ? { import: module, require: { types: `${stem}.d.cts`, default: `${stem}.cjs` } } : module;
}

function mapped<T, U>(
  record: Readonly<Record<string, T>> | undefined,
  change: (value: T) => U,
): Record<string, U> | undefined {
  if (record === undefined) return undefined;
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

/**
 * The manifest of the published package, from the one that runs the sources. @param commonjs whether it was also built
 * as CommonJS.
 */
export function published(manifest: Manifest, commonjs: boolean, directory: string): object {
  const { private: _, devDependencies: __, exports, imports, bin, ...rest } = manifest;
  const entries = mapped(exports, (path) => forms(path, commonjs));
  return {
    ...rest,
    repository: { type: 'git', url: `git+${home}.git`, directory },
    homepage: `${home}/tree/main/${directory}#readme`,
    bugs: { url: `${home}/issues` },
    publishConfig: { access: 'public' },
    sideEffects: false,
    ...(exports?.['.'] !== undefined && {
      types: './lib/index.d.ts',
      main: commonjs ? './lib/index.cjs' : './lib/index.js',
      module: './lib/index.js',
    }),
    ...(entries && { exports: { ...entries, './package.json': './package.json' } }),
    ...(imports && { imports: mapped(imports, (conditions) => mapped(conditions, (path) => forms(path, commonjs))) }),
    ...(bin && { bin: mapped(bin, (path) => `${built(path)}.js`) }),
  };
}
