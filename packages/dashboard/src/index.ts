/** The folder of the built dashboard: `index.html` and what it needs, with relative addresses. */
export const pagesFolder: URL = new URL('../public/', import.meta.url);
