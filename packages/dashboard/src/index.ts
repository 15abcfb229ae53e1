/**
 * The folder of the pages as they are served: `NAME.html` is the page `/NAME`, every other file has the address of its place in the folder. The files talk
 * HTTP to the server that serves them, and to nothing else.
 */
export const pagesFolder: URL = new URL('../public/', import.meta.url);
