import { FetchTransport } from '../transport/fetch.ts';
import type { Platform } from './platform.ts';

/** Browsers, edge runtimes: fetch, no process. */
export const platform: Platform = {
  env: () => undefined,
  hostname: '',
  pid: 0,
  httpTransport: (options) => new FetchTransport(options),
  onSignals: () => () => {},
  exit: () => {},
};
