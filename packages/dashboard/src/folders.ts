/** The folder of the built dashboard. The files talk HTTP to the server that serves them, and to nothing else. */
export const pagesFolder: URL = new URL('../public/', import.meta.url);

/**
 * The folder of the playground: `NAME.html` is the page `/NAME`, every other file has the address of its place in the
 * folder. The files talk HTTP to the server that serves them, and to nothing else.
 */
export const playgroundFolder: URL = new URL('../playground/', import.meta.url);
