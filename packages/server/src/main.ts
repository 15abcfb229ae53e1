import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Binding } from './binding/binding.ts';
import { readConfig, type ServerConfig, type ServerOptions } from './config.ts';
import { Engine } from './engine/engine.ts';
import { version } from './files.ts';
import { httpApp } from './http/app.ts';
import { type DocsPackage, docsRoot, findDocs } from './http/dashboard/docs.ts';
import { RequestFailures } from './request-failures.ts';
import { serverLog } from './server-log.ts';
import { openStorage } from './storage/open.ts';
import { withoutPassword } from './storage/redis/connection/address.ts';

export interface RunningServer extends AsyncDisposable {
  /** The URL of the server, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The URL of the dashboard; null where it is off. */
  readonly dashboard: string | null;
  /** The URL of the documentation; null where `@ojs-ts/docs` is not installed. */
  readonly docs: string | null;
  /** The URL of the storage, without its password. */
  readonly storage: string;
  readonly engine: Engine;
  /** Answers the accepted requests, then closes the store. The first call counts. */
  close(options?: CloseOptions): Promise<void>;
}

export interface CloseOptions {
  /**
   * How long idle connections stay open, each for one more request: a client may be sending one. Milliseconds within
   * the close timeout; default 0.
   */
  readonly lingerMs?: number;
}

/**
 * Opens the store and listens. Throws `ConfigError` for invalid options, and an error if the port or the store is
 * unavailable.
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const config = readConfig(options);
  const log = serverLog(config.log, options.logTo);
  for (const { event, fields } of config.warnings) warnOnce(log, event, fields);
  const docs = await installedDocs(log);
  const storage = await openStorage(config.storage, { events: config.events });
  const engine = await Engine.start({
    ...config.engine,
    memory: config.memory,
    storage,
    log,
    ...(config.logJobs !== null && { logJobs: config.logJobs }),
    events: config.events,
    storeCheck: config.storeCheck,
  }).catch(async (error: unknown) => {
    await storage[Symbol.asyncDispose]();
    throw error;
  });
  const failures = new RequestFailures(log);
  const { failed } = failures;
  const about = {
    version,
    source: 'ojs://ojs-ts/server',
    testMode: config.testMode,
    settings: config.settings,
  };
  const binding = new Binding(engine, about, failed);
  try {
    const app = httpApp(binding, {
      ...config,
      docs,
      warn: (fields, message) => log.warn(fields, message),
      ...(config.accessLog && { access: (fields, message) => log.info(fields, message) }),
      failed,
    });
    // Or every request would be below the span in which the server was started.
    await engine.telemetry.tracing.detached(() => app.listen({ host: config.host, port: config.port }));
    const url = urlOf(app, config);
    log.info({ url, storage: storage.traits.name, durability: storage.traits.durability, version }, 'listening');
    let closed: Promise<void> | null = null;
    const close = ({ lingerMs = 0 }: CloseOptions = {}) => {
      closed ??= shutDown(app, engine, config, log, lingerMs).finally(() => failures[Symbol.dispose]());
      return closed;
    };
    const dashboard = config.dashboard ? `${url}/dashboard/` : null;
    const storageUrl = withoutPassword(config.storage);
    const docsUrl = docs && `${url}${docsRoot}`;
    return { url, dashboard, docs: docsUrl, storage: storageUrl, engine, close, [Symbol.asyncDispose]: () => close() };
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

/** A server starts without its documentation if the package is broken. */
async function installedDocs(log: Logger): Promise<DocsPackage | null> {
  try {
    return await findDocs();
  } catch (err) {
    log.warn({ err }, 'documentation is broken');
    return null;
  }
}

/** Variables that this process has warned of. */
const warned = new Set<string>();

function warnOnce(log: Logger, event: string, fields: ServerConfig['warnings'][number]['fields']): void {
  const key = `${event} ${fields.name}`;
  if (warned.has(key)) return;
  warned.add(key);
  log.warn(fields, event);
}

async function shutDown(
  app: FastifyInstance,
  engine: Engine,
  config: ServerConfig,
  log: Logger,
  lingerMs: number,
): Promise<void> {
  const cut = setTimeout(() => {
    log.warn({ after_ms: config.closeTimeoutMs }, 'shutdown timed out');
    app.server.closeAllConnections();
  }, config.closeTimeoutMs);
  const lingering = lingerMs > 0 ? linger(app, lingerMs) : undefined;
  // Beside the requests: where the store does not answer, each of both waits for it.
  await Promise.all([app.close(), engine.upkeep.stop()]);
  clearTimeout(cut);
  clearTimeout(lingering);
  await engine[Symbol.asyncDispose]();
  log.info({}, 'stopped');
}

/** Node closes idle connections together with the port. Here it closes them later. */
function linger({ server }: FastifyInstance, ms: number): NodeJS.Timeout {
  const closeIdle = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {};
  return setTimeout(closeIdle, ms);
}

function urlOf(app: FastifyInstance, config: ServerConfig): string {
  const { port } = app.server.address() as AddressInfo;
  const host = config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host;
  return `${config.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
