interface Policies {
  createPolicy(
    name: string,
    rules: { readonly createScriptURL: (address: string) => string },
  ): { createScriptURL(address: string): string };
}

declare global {
  interface Window {
    readonly trustedTypes?: Policies;
  }
}

function own(address: string): string {
  const { origin, href } = new URL(address, document.baseURI);
  if (origin !== location.origin) throw new TypeError(`${address} is no script of this page`);
  return href;
}

/** The only policy that the pages may make: the address of a worker is one of our own files. */
const policy = globalThis.window?.trustedTypes?.createPolicy('ojs-worker', { createScriptURL: own });

/** Lets a worker start under the policy of the pages, which takes no text as a script. */
export function scriptAddress(address: string): string {
  return policy === undefined ? own(address) : policy.createScriptURL(address);
}
