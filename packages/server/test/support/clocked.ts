import type { AddressInfo } from 'node:net';
import { Binding } from '../../src/binding/binding.ts';
import { readConfig } from '../../src/config.ts';
import { type HttpOptions, httpApp } from '../../src/http/app.ts';
import type { ServerOptions } from '../../src/index.ts';
import { type Bench, type BenchOptions, bench } from './engine.ts';

export interface ClockedServer extends AsyncDisposable {
  readonly url: string;
  readonly bench: Bench;
  /** Errors that the server told of. */
  readonly errors: readonly unknown[];
  /** Lines of its log: their fields, and the name as `message`. */
  readonly lines: readonly object[];
}

/** A server whose time only the test moves. */
export async function serveClocked(
  storage: string,
  options: BenchOptions = {},
  server: ServerOptions = {},
  http: Partial<HttpOptions> = {},
): Promise<ClockedServer> {
  const b = await bench(storage, options);
  const errors: unknown[] = [];
  const lines: object[] = [];
  const config = readConfig({ storage, port: 0, log: false, ...server });
  const about = { version: '0', source: 'ojs://test', testMode: false, settings: config.settings };
  const binding = new Binding(b.engine, about, (error) => errors.push(error));
  const app = httpApp(binding, {
    ...config,
    warn: (fields, message) => lines.push({ message, ...fields }),
    failed: (error) => errors.push(error),
    ...http,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    url: `${server.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    bench: b,
    errors,
    lines,
    async [Symbol.asyncDispose]() {
      await app.close();
      await b[Symbol.asyncDispose]();
    },
  };
}
