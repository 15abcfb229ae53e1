import type { RunningServer, ServerOptions } from '../../src/index.ts';
import { startServer } from '../../src/index.ts';

/** A silent server in memory on a free port. */
export function serve(options: ServerOptions = {}): Promise<RunningServer> {
  return startServer({ storage: 'memory:', port: 0, log: false, ...options });
}
