import { type RunningServer, type ServerOptions, startServer } from '../../src/index.ts';

/** A silent server in memory on a free port. */
export function serve(options: ServerOptions = {}): Promise<RunningServer> {
  return startServer({ storage: 'memory:', port: 0, log: false, ...options });
}
