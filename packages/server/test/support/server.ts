import { afterAll, beforeAll } from 'vitest';
import { type RunningServer, type ServerOptions, startServer } from '../../src/index.ts';

/** A silent server in memory on a free port. */
export function serve(options: ServerOptions = {}): Promise<RunningServer> {
  return startServer({ storage: 'memory:', port: 0, log: false, ...options });
}

/** One such server for all tests of the `describe` that calls this. */
export function serveAll(options: ServerOptions = {}): Pick<RunningServer, 'url'> {
  let server: RunningServer;
  beforeAll(async () => {
    server = await serve(options);
  });
  afterAll(() => server.close());
  return {
    get url() {
      return server.url;
    },
  };
}
