import { pathToFileURL } from 'node:url';

/**
 * The URL of the program of a thread: a file beside the module that starts the thread, with the same extension, in
 * source, in a build and in a bundle.
 * @param module `import.meta.url` of that module. esbuild leaves it undefined in CommonJS; the file of the bundle takes
 * its place.
 */
export function threadProgram(name: string, module: string | undefined): URL {
  const beside = module ?? pathToFileURL(__filename).href;
  return new URL(`./${name}${/\.[cm]?[jt]s$/.exec(beside)?.[0] ?? '.js'}`, beside);
}
