import { FetchTransport } from '../transport/fetch.ts';
import type { Platform } from './platform.ts';

/** Browsers, edge runtimes: fetch, no process. */
export const platform: Platform = {
  env: () => undefined,
  hostname: '',
  pid: 0,
  readFile() {
    throw new Error('this platform has no files');
  },
  hasTls: false,
  httpTransport: (options) => new FetchTransport(options),
  onSignals: () => () => {},
  exit: () => {},
};
