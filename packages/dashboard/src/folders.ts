/** The folder of the built dashboard. The files talk HTTP to the server that serves them, and to nothing else. */
export const pagesFolder: URL = new URL('../public/', import.meta.url);
