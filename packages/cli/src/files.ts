// The only module that knows where the files of this package are: it is at the root of `src`, and its build at the root
// of `lib`, in whichever file the bundler puts it.

/** The files of new projects: `common`, and a folder for each template. */
export const templatesFolder = new URL('../templates/', import.meta.url);
export const manifestFile = new URL('../package.json', import.meta.url);

/** A program that runs in a process of its own, by its path in `src`, without the extension. */
export function programFile(path: string): URL {
  return new URL(`./${path}${/\.[cm]?[jt]s$/.exec(import.meta.url)?.[0] ?? '.js'}`, import.meta.url);
}
