import { OJSValidationError } from '../errors.ts';
import { FetchTransport } from '../transport/fetch.ts';
import type { Platform } from './platform.ts';

/** Browsers, edge runtimes: fetch, no process. */
export const platform: Platform = {
  tlsFor(options) {
    if (options !== undefined)
      throw OJSValidationError.of('tls', 'not supported on this platform, which makes TLS connections by itself');
    return undefined;
  },
  httpTransport: (options) => new FetchTransport(options),
};
