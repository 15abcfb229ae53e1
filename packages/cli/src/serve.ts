import { readDuration } from '@ojs-ts/core';
import { ConfigError, type LogLevel, type ServerOptions, startServer } from '@ojs-ts/server';
import { Command, InvalidArgumentError, Option } from 'commander';

interface ServeFlags {
  readonly storage?: string;
  readonly port?: number;
  readonly host?: string;
  readonly token?: readonly string[];
  readonly insecure?: boolean;
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly logLevel?: LogLevel;
  readonly testMode?: boolean;
  readonly requestRate?: string;
  readonly pausedQueues?: 'accept' | 'reject';
  readonly poisonAfter?: number;
  readonly deadAfter?: number;
  readonly visibilityTimeout?: number;
  /** True where the flag is missing. */
  readonly playground: boolean;
}

/** `ojs serve`: flags over `OJS_*` environment over defaults, which the server reads itself. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('run the server')
    .option(
      '--storage <url>',
      'memory:, sqlite:PATH, postgres://…, redis://…, or sqlite: for a temporary file (OJS_STORAGE; default sqlite:./ojs.db)',
    )
    .option('--port <number>', 'port, 0 for a free one (OJS_PORT; default 8080)', port)
    .option('--host <address>', 'address to listen on (OJS_HOST; default 127.0.0.1)')
    .option('--token <token>', 'SECRET, or enqueue,work,admin:SECRET with some of these scopes; may be repeated (OJS_TOKEN)', collect)
    .option('--insecure', 'listen beyond loopback without a token (OJS_INSECURE)')
    .option('--allow-host <name>', 'host name that requests may be addressed to; may be repeated (OJS_ALLOWED_HOSTS)', collect)
    .option('--allow-origin <origin>', 'origin of web pages that may call; may be repeated (OJS_ALLOWED_ORIGINS)', collect)
    .option('--tls-cert <file>', 'certificate in PEM (OJS_TLS_CERT_FILE)')
    .option('--tls-key <file>', 'private key in PEM (OJS_TLS_KEY_FILE)')
    .addOption(new Option('--log-level <level>', 'OJS_LOG_LEVEL; default info').choices(['debug', 'info', 'warn', 'error']))
    .option('--request-rate <rate>', 'requests that each token or address may send, such as 1000/60s (OJS_REQUEST_RATE; default no limit)')
    .addOption(
      new Option('--paused-queues <what>', 'what a paused queue does with new jobs (OJS_PAUSED_QUEUES; default accept)').choices([
        'accept',
        'reject',
      ]),
    )
    .option('--poison-after <count>', 'workers that may die under a job before it is discarded (OJS_POISON_AFTER; default 3)', atLeastOne)
    .option('--dead-after <duration>', 'silence after which a worker is dead (OJS_DEAD_AFTER; default 30s)', millis)
    .option('--visibility-timeout <duration>', 'reservation where a fetch names none (OJS_VISIBILITY_TIMEOUT; default 30m)', millis)
    .option('--no-playground', 'serve no page at /playground (OJS_PLAYGROUND=false)')
    .option('--test-mode', 'what the official conformance cases need; loopback only (OJS_TEST_MODE)')
    .action(serve);
}

async function serve(flags: ServeFlags): Promise<void> {
  const { tlsCert, tlsKey, pausedQueues, poisonAfter, deadAfter, visibilityTimeout } = flags;
  const options: ServerOptions = {
    ...(flags.storage !== undefined && { storage: flags.storage }),
    ...(flags.port !== undefined && { port: flags.port }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(flags.token !== undefined && { tokens: flags.token }),
    ...(flags.insecure !== undefined && { insecure: flags.insecure }),
    ...(flags.allowHost !== undefined && { allowedHosts: flags.allowHost }),
    ...(flags.allowOrigin !== undefined && { allowedOrigins: flags.allowOrigin }),
    ...((tlsCert !== undefined || tlsKey !== undefined) && { tls: { certFile: tlsCert ?? '', keyFile: tlsKey ?? '' } }),
    ...(flags.logLevel !== undefined && { log: flags.logLevel }),
    ...(flags.testMode !== undefined && { testMode: flags.testMode }),
    ...(flags.requestRate !== undefined && { requestRate: flags.requestRate }),
    ...(!flags.playground && { playground: false }),
    engine: {
      ...(pausedQueues !== undefined && { pausedQueues }),
      ...(poisonAfter !== undefined && { poisonAfter }),
      ...(deadAfter !== undefined && { deadAfterMs: deadAfter }),
      ...(visibilityTimeout !== undefined && { visibilityMs: visibilityTimeout }),
    },
  };
  try {
    const server = await startServer(options);
    // Whoever reads the line may send a signal at once.
    stopOnSignal(() => server.close());
    console.log(`ojs is listening on ${server.url}`);
  } catch (error) {
    console.error(`ojs serve: ${describe(error)}`);
    process.exitCode = error instanceof ConfigError ? 2 : 1;
  }
}

/** The first SIGTERM or SIGINT stops in good order, a second one at once. */
function stopOnSignal(close: () => Promise<void>): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(signal === 'SIGINT' ? 130 : 143);
    stopping = true;
    close().catch((error: unknown) => {
      console.error(`ojs serve: ${describe(error)}`);
      process.exitCode = 1;
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE') return `${error.message}; another process listens there, choose another --port`;
  return error.message;
}

function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('Expected a number from 0 to 65535.');
}

function atLeastOne(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number of at least 1.');
}

function millis(text: string): number {
  const ms = readDuration(text);
  if (ms !== null && ms > 0) return ms;
  throw new InvalidArgumentError('Expected a duration such as 30s, 5m or PT30M.');
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
