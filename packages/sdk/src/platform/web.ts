import { OJSValidationError } from '../errors.ts';
import { FetchTransport } from '../transport/fetch.ts';
import type { Platform } from './platform.ts';

/** Browsers, edge runtimes: fetch, no process. */
export const platform: Platform = {
  tlsFor(options) {
    if (options !== undefined)
      throw OJSValidationError.of('tls', 'cannot be heeded: connections are this platform’s own');
    return undefined;
  },
  httpTransport: (options) => new FetchTransport(options),
};
