/**
 * The folder of the built dashboard: `index.html` and the files that it names. The build makes the folder, and writes
 * `index.html` last. The files talk HTTP to the server that serves them, and to nothing else.
 */
export const pagesFolder: URL = new URL('../public/', import.meta.url);

/**
 * The folder of the playground as it is served: `playground.html` is the page `/playground`, every other file has the
 * address of its place in the folder.
 */
export const playgroundFolder: URL = new URL('../playground-page/', import.meta.url);
