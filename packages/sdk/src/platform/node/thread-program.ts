import { pathToFileURL } from 'node:url';

/**
 * The program of a thread: beside the module that starts it, with its extension, from source, when built and when bundled.
 * @param module `import.meta.url` of that module. esbuild leaves it undefined in CommonJS; the file of the bundle takes its place.
 */
export function threadProgram(name: string, module: string | undefined): URL {
  const beside = module ?? pathToFileURL(__filename).href;
  return new URL(`./${name}${/\.[cm]?[jt]s$/.exec(beside)?.[0] ?? '.js'}`, beside);
}
