/** The folder of the dashboard. The scripts lie in its `assets`. */
export const uiRoot: URL = new URL('..', import.meta.url);

const declared = document.querySelector<HTMLMetaElement>('meta[name="ojs-api-root"]')?.content;

/** The folder that has `ojs/v1`. */
export const apiRoot: URL = new URL(declared ?? '../', uiRoot);

/** The base path of the router, without the slash at its end. */
export const basePath: string = uiRoot.pathname.replace(/\/$/, '');
