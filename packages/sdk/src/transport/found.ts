import type { Transport } from '@ojs-ts/core';
import type { HttpOptions } from './http.ts';

/** A transport to the server that is found at each call: the one of `ojs dev` may start later, and at another port. */
export function foundTransport(
  options: HttpOptions,
  find: () => URL,
  open: (options: HttpOptions) => Required<Transport>,
): Required<Transport> {
  const opened = new Map<string, Required<Transport>>();
  const current = () => {
    const base = find();
    const transport = opened.get(base.href) ?? open({ ...options, base, find: undefined });
    opened.set(base.href, transport);
    return transport;
  };
  return {
    call: async (call, context) => current().call(call, context),
    stream: async (call, context) => current().stream(call, context),
    async [Symbol.asyncDispose]() {
      for (const transport of opened.values()) await transport[Symbol.asyncDispose]();
    },
  };
}

/** `ojs dev` has run in a folder, and does not run there now. */
export class NoDevServer extends Error {
  override readonly name = 'NoDevServer';

  /** @param stale the file that an `ojs dev` has left which has ended; null for none. */
  constructor(folder: string, stale: string | null) {
    const why = stale === null ? '' : `: the process that wrote ${stale} has ended`;
    super(
      `ojs dev does not run in ${folder}${why}. Start it there, or set OJS_BACKEND_URL to the URL of another server.`,
    );
  }
}
