import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { getHeapStatistics } from 'node:v8';
import {
  checkVariables,
  type HistoryOptions,
  historyPolicy,
  isServiceAddress,
  type NamesOf,
  readDuration,
} from '@ojs-ts/core';
import { ConfigError, checkOptions } from './config-error.ts';
import { heapSize, type MemoryLimits, memoryLimits } from './engine/memory-limits.ts';
import { type EngineOptions, engineNames } from './engine/options.ts';
import { httpDefaults } from './http/app.ts';
import { proxyList } from './http/proxies.ts';
import { parseRequestRate, type RequestRate } from './http/rate-limit.ts';
import { parseToken, type Token, tokensOf } from './http/tokens.ts';
import { type RealtimeOptions, realtimeDefaults, realtimeNames } from './realtime/http/options.ts';

export { ConfigError };

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** Options of `startServer`, of `ojs serve` and of the `OJS_*` environment. */
export interface ServerOptions {
  /**
   * `memory:`, `sqlite:PATH`, `postgres://…`, `redis://…`, or `sqlite:` for a temporary file. Default
   * `sqlite:./ojs.db`; `OJS_STORAGE`.
   */
  readonly storage?: string;
  /** Default 8080; 0 means a free port. `OJS_PORT`. */
  readonly port?: number;
  /** Default 127.0.0.1. Another address than loopback requires a token, or `insecure`. `OJS_HOST`. */
  readonly host?: string;
  /**
   * `SECRET` for the role admin, or `enqueue,work:SECRET` for a token with other roles. A secret with a colon requires
   * roles. `OJS_TOKEN`, several separated by spaces.
   */
  readonly tokens?: readonly string[];
  /** A file of more tokens, one a line; empty lines and lines that begin with `#` do not count. `OJS_TOKEN_FILE`. */
  readonly tokenFile?: string;
  /** Listens beyond loopback without a token. `OJS_INSECURE=true`. */
  readonly insecure?: boolean;
  /** Allowed names in the Host header, beside localhost and IP addresses. `OJS_ALLOWED_HOSTS`, separated by commas. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages that may call. `OJS_ALLOWED_ORIGINS`, separated by commas. */
  readonly allowedOrigins?: readonly string[];
  /** PEM files. `OJS_TLS_CERT_FILE`, `OJS_TLS_KEY_FILE`. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Adds POST /ojs/v1/admin/reset and directives by `test_directive`; loopback only. `OJS_TEST_MODE=true`. */
  readonly testMode?: boolean;
  /**
   * Sends single clients the answers that they need instead of the specified ones. Default true; `OJS_QUIRKS=false`.
   */
  readonly quirks?: boolean;
  /** Default info; false logs nothing. `OJS_LOG_LEVEL`. */
  readonly log?: LogLevel | false;
  /** Takes the lines of the log, each with its line break. Default: standard error. */
  readonly logTo?: { write(line: string): void };
  /**
   * Which jobs have lines about their lifecycle in the log: `all`, one in N as `1/N`, or `off`. Failed jobs always have
   * theirs. Default `all` at the levels debug and trace, else `off`; `OJS_LOG_JOBS`.
   */
  readonly logJobs?: string;
  /** Logs every answered request at the level info, without its query. Default false; `OJS_ACCESS_LOG=true`. */
  readonly accessLog?: boolean;
  /** Default 10,000; a tenth more for clients with a token. `OJS_MAX_CONNECTIONS`. */
  readonly maxConnections?: number;
  /** Connections of one address that have sent no known token. Default 1,000; `OJS_MAX_CONNECTIONS_PER_ADDRESS`. */
  readonly maxConnectionsPerAddress?: number;
  /**
   * Addresses and networks (`10.0.0.0/8`) of proxies. Their `X-Forwarded-For` names the client, and their connections
   * have no limit by address. Default none; `OJS_PROXIES`, separated by commas.
   */
  readonly proxies?: readonly string[];
  /** Failed logins of one address before its further ones are slowed. Default `10/60s`; `OJS_FAILED_LOGINS`. */
  readonly failedLogins?: string;
  /** How long a client may take to send its headers. Default 10,000 ms; `OJS_HEADERS_TIMEOUT`. */
  readonly headersTimeoutMs?: number;
  /** How long a client may take to send its whole request. Default 30,000 ms; `OJS_REQUEST_TIMEOUT`. */
  readonly requestTimeoutMs?: number;
  /**
   * Memory that budgets for requests, answers and streams are reckoned from, in MiB. Default: the heap limit of the
   * process. `OJS_MEMORY`.
   */
  readonly memoryMb?: number;
  /** How long `close()` waits for requests in flight. Default 10,000 ms; `OJS_CLOSE_TIMEOUT`. */
  readonly closeTimeoutMs?: number;
  /**
   * How many requests each token, or else each address, may send, such as `1000/60s`. Default: no limit.
   * `OJS_REQUEST_RATE`.
   */
  readonly requestRate?: string;
  /**
   * False keeps no event log: nobody can follow or poll events, and a job costs a little less. Default true;
   * `OJS_EVENTS=false`.
   */
  readonly events?: boolean;
  /**
   * Streams and WebSockets. `OJS_REALTIME_BUFFER`, `OJS_REALTIME_RATE` (0 for no limit) and `OJS_REALTIME_CONNECTIONS`
   * (for each client).
   */
  readonly realtime?: Partial<RealtimeOptions>;
  /**
   * False leaves out the look for damage in an SQLite file soon after the start. Default true; `OJS_STORE_CHECK=false`.
   */
  readonly storeCheck?: boolean;
  /** The pages at `/dashboard/` and `/playground`. Default true; `OJS_DASHBOARD=false`. */
  readonly dashboard?: boolean;
  /**
   * `OJS_VISIBILITY_TIMEOUT` and `OJS_DEAD_AFTER` (durations such as `30s`), `OJS_REQUIRE_LEASE=true`,
   * `OJS_POISON_AFTER`, `OJS_MAX_QUEUES`, `OJS_PAUSED_QUEUES` (`accept` or `reject`), `OJS_RETAIN_COMPLETED`,
   * `OJS_RETAIN_CANCELLED`, `OJS_RETAIN_DISCARDED`, `OJS_RETAIN_DEAD_LETTER`, `OJS_RETAIN_EVENTS`,
   * `OJS_RETAIN_WORKFLOWS`, `OJS_RETAIN_STATISTICS` and `OJS_RETAIN_AUDIT` (durations such as `7d`); the most that are
   * kept: `OJS_RETAIN_COUNT` (finished jobs of each state), `OJS_RETAIN_DEAD_LETTER_COUNT`, `OJS_RETAIN_EVENTS_COUNT`,
   * `OJS_RETAIN_WORKFLOWS_COUNT` and `OJS_RETAIN_AUDIT_COUNT`. Of the history of jobs: `OJS_HISTORY_ENABLED=false`,
   * `OJS_HISTORY_RETENTION_DAYS`, `OJS_HISTORY_MAX_EVENTS_PER_JOB` and `OJS_HISTORY_RETENTION` (rules, separated by
   * spaces).
   */
  readonly engine?: Pick<
    EngineOptions,
    | 'visibilityMs'
    | 'deadAfterMs'
    | 'requireLease'
    | 'poisonAfter'
    | 'maxQueues'
    | 'pausedQueues'
    | 'retention'
    | 'history'
  >;
}

const { visibilityMs, deadAfterMs, requireLease, poisonAfter, maxQueues, pausedQueues, retention, history } =
  engineNames;
const serverEngineNames: NamesOf<NonNullable<ServerOptions['engine']>> = {
  visibilityMs,
  deadAfterMs,
  requireLease,
  poisonAfter,
  maxQueues,
  pausedQueues,
  retention,
  history,
};

const serverNames: NamesOf<ServerOptions> = {
  storage: true,
  port: true,
  host: true,
  tokens: true,
  tokenFile: true,
  insecure: true,
  allowedHosts: true,
  allowedOrigins: true,
  tls: { certFile: true, keyFile: true },
  testMode: true,
  quirks: true,
  log: true,
  logTo: true,
  logJobs: true,
  accessLog: true,
  maxConnections: true,
  maxConnectionsPerAddress: true,
  proxies: true,
  failedLogins: true,
  headersTimeoutMs: true,
  requestTimeoutMs: true,
  memoryMb: true,
  closeTimeoutMs: true,
  requestRate: true,
  events: true,
  storeCheck: true,
  realtime: realtimeNames,
  dashboard: true,
  engine: serverEngineNames,
};

export interface ServerConfig {
  readonly storage: string;
  readonly port: number;
  readonly host: string;
  readonly tokens: readonly Token[];
  readonly tokenFile: string | null;
  readonly insecure: boolean;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  readonly testMode: boolean;
  readonly quirks: boolean;
  readonly log: LogLevel | false;
  /** One in so many jobs; null for none. */
  readonly logJobs: number | null;
  readonly accessLog: boolean;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly proxies: readonly string[];
  readonly failedLogins: RequestRate;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly memory: MemoryLimits;
  /** The heap that the budgets are reckoned from, in MiB. */
  readonly memoryMb: number;
  readonly closeTimeoutMs: number;
  readonly requestRate: RequestRate | null;
  readonly events: boolean;
  readonly storeCheck: boolean;
  readonly realtime: RealtimeOptions;
  readonly dashboard: boolean;
  readonly engine: NonNullable<ServerOptions['engine']>;
  /** For the log: unknown variables. */
  readonly warnings: readonly ConfigWarning[];
}

export interface ConfigWarning {
  readonly event: string;
  readonly fields: Readonly<Record<string, string | null>>;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);
const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

/** Options over environment over defaults. Throws `ConfigError`. */
export function readConfig(
  options: ServerOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ServerConfig {
  checkOptions(options, serverNames);
  const tokenFile = nonEmpty(options.tokenFile) ?? nonEmpty(env.OJS_TOKEN_FILE);
  const fromFile = readTokenFile(tokenFile);
  const warnings = [...checkEnvironment(env), ...fromFile.warnings];
  const host = options.host ?? nonEmpty(env.OJS_HOST) ?? '127.0.0.1';
  const tokens = [...readTokens(options.tokens ?? words(env.OJS_TOKEN, /\s+/)), ...fromFile.tokens];
  const testMode = options.testMode ?? flag('OJS_TEST_MODE', env);
  const insecure = options.insecure ?? flag('OJS_INSECURE', env);
  const log = options.log ?? readLevel(nonEmpty(env.OJS_LOG_LEVEL));
  const events = options.events ?? flag('OJS_EVENTS', env, true);
  const heap = readMemory(options.memoryMb ?? count('OJS_MEMORY', env));
  if (!loopback.has(host)) {
    if (testMode)
      throw new ConfigError(`test mode empties the store on request, so it listens on loopback only, not on ${host}`);
    if (tokens.length === 0 && !insecure) {
      throw new ConfigError(
        `listening on ${host} without a token would let anybody in; ` +
          'give --token or --token-file, or --insecure if that is what you want',
      );
    }
  }
  return {
    storage: storageUrl(options.storage, env),
    port: options.port ?? readPort(nonEmpty(env.OJS_PORT)),
    host,
    tokens,
    tokenFile: tokenFile ?? null,
    insecure,
    allowedHosts: (options.allowedHosts ?? words(env.OJS_ALLOWED_HOSTS, /[\s,]+/)).map((name) => name.toLowerCase()),
    allowedOrigins: options.allowedOrigins ?? words(env.OJS_ALLOWED_ORIGINS, /[\s,]+/),
    tls: readTls(
      nonEmpty(options.tls?.certFile) ?? nonEmpty(env.OJS_TLS_CERT_FILE),
      nonEmpty(options.tls?.keyFile) ?? nonEmpty(env.OJS_TLS_KEY_FILE),
    ),
    testMode,
    quirks: options.quirks ?? flag('OJS_QUIRKS', env, true),
    log,
    logJobs: readLogJobs(nonEmpty(options.logJobs) ?? nonEmpty(env.OJS_LOG_JOBS), log, events),
    accessLog: options.accessLog ?? flag('OJS_ACCESS_LOG', env),
    maxConnections: options.maxConnections ?? count('OJS_MAX_CONNECTIONS', env) ?? httpDefaults.maxConnections,
    maxConnectionsPerAddress:
      options.maxConnectionsPerAddress ??
      count('OJS_MAX_CONNECTIONS_PER_ADDRESS', env) ??
      httpDefaults.maxConnectionsPerAddress,
    proxies: readProxies(options.proxies ?? words(env.OJS_PROXIES, /[\s,]+/)),
    failedLogins:
      readRate('OJS_FAILED_LOGINS', nonEmpty(options.failedLogins) ?? nonEmpty(env.OJS_FAILED_LOGINS)) ??
      httpDefaults.failedLogins,
    headersTimeoutMs: options.headersTimeoutMs ?? duration('OJS_HEADERS_TIMEOUT', env) ?? httpDefaults.headersTimeoutMs,
    requestTimeoutMs: options.requestTimeoutMs ?? duration('OJS_REQUEST_TIMEOUT', env) ?? httpDefaults.requestTimeoutMs,
    memory: memoryLimits(heap),
    memoryMb: Math.round(heap / 1_048_576),
    closeTimeoutMs: options.closeTimeoutMs ?? duration('OJS_CLOSE_TIMEOUT', env) ?? 10_000,
    requestRate: readRate('OJS_REQUEST_RATE', nonEmpty(options.requestRate) ?? nonEmpty(env.OJS_REQUEST_RATE)),
    events,
    realtime: readRealtime(options.realtime ?? {}, env),
    storeCheck: options.storeCheck ?? flag('OJS_STORE_CHECK', env, true),
    dashboard: options.dashboard ?? flag('OJS_DASHBOARD', env, true),
    engine: readEngine(options.engine ?? {}, env),
    warnings,
  };
}

/**
 * Finds unknown variables; their names are warnings for the log.
 * @throws ConfigError for one that is a letter away from a known one.
 */
export function checkEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): readonly ConfigWarning[] {
  const { misspelled, unknown } = checkVariables(env);
  const [first] = misspelled;
  if (first !== undefined) throw new ConfigError(`${first.name}: unknown variable. Did you mean ${first.suggestion}?`);
  const warnings: ConfigWarning[] = unknown.map(({ name, suggestion }) => ({
    event: 'unknown variable',
    fields: { name, suggestion },
  }));
  if (!isServiceAddress(env.OJS_PORT ?? '')) return warnings;
  const what =
    'Kubernetes made it of a service named ojs; set enableServiceLinks: ' +
    'false in the pod, and OJS_PORT or --port for the port';
  return [...warnings, { event: 'variable ignored', fields: { name: 'OJS_PORT', reason: what } }];
}

/** The storage's URL: the option over `OJS_STORAGE` over the default. */
export function storageUrl(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return option ?? nonEmpty(env.OJS_STORAGE) ?? 'sqlite:./ojs.db';
}

function readTokens(texts: readonly string[]): readonly Token[] {
  return texts.map((text) => configured('', () => parseToken(text)));
}

/** What was read, or a `ConfigError` that says where. */
function configured<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const message = error instanceof Error ? error.message : 'it cannot be read';
    throw new ConfigError(where === '' ? message : `${where}: ${message}`);
  }
}

function readTokenFile(file: string | undefined): Pick<ServerConfig, 'tokens' | 'warnings'> {
  if (file === undefined) return { tokens: [], warnings: [] };
  const { tokens, isOpen } = configured('', () => tokensOf(file));
  const fields = { name: file, advice: 'chmod o-r; of a Kubernetes volume defaultMode: 0440' };
  return { tokens, warnings: isOpen ? [{ event: 'token file is readable by everybody', fields }] : [] };
}

function readProxies(texts: readonly string[]): readonly string[] {
  configured('OJS_PROXIES', () => proxyList(texts));
  return texts;
}

function readTls(certFile: string | undefined, keyFile: string | undefined): ServerConfig['tls'] {
  if (certFile === undefined && keyFile === undefined) return null;
  if (certFile === undefined || keyFile === undefined)
    throw new ConfigError('TLS needs both a certificate file and a key file');
  const read = (file: string) => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new ConfigError(`${file} cannot be read: ${error instanceof Error ? error.message : 'unknown error'}`);
    }
  };
  const tls = { cert: read(certFile), key: read(keyFile) };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new ConfigError(
      `${certFile} and ${keyFile} cannot serve as certificate and key: ` +
        `${error instanceof Error ? error.message : 'unknown error'}`,
    );
  }
  return tls;
}

function readPort(text: string | undefined): number {
  if (text === undefined || isServiceAddress(text)) return 8080;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new ConfigError(`OJS_PORT is ${text}; expected a number from 0 to 65535`);
}

function readLevel(text: string | undefined): LogLevel {
  if (text === undefined) return 'info';
  const level = levels.find((one) => one === text.toLowerCase());
  if (level !== undefined) return level;
  throw new ConfigError(`OJS_LOG_LEVEL is ${text}; expected one of ${levels.join(', ')}`);
}

/** One in so many jobs; null for none. */
function readLogJobs(text: string | undefined, level: LogLevel | false, events: boolean): number | null {
  if (text === undefined) return events && (level === 'trace' || level === 'debug') ? 1 : null;
  if (text === 'off') return null;
  const oneIn = text === 'all' ? '1' : /^1\/([1-9]\d{0,8})$/.exec(text)?.[1];
  if (oneIn === undefined) throw new ConfigError(`OJS_LOG_JOBS is ${text}; expected all, off, or one in N as 1/N`);
  if (!events) throw new ConfigError('OJS_LOG_JOBS needs the event log, and OJS_EVENTS=false keeps none');
  return Number(oneIn);
}

function readRate(name: string, text: string | undefined): RequestRate | null {
  if (text === undefined) return null;
  const rate = parseRequestRate(text);
  if (rate !== null) return rate;
  throw new ConfigError(`${name} is ${text}; expected a number in a time, such as 1000/60s`);
}

/** In bytes. */
function readMemory(mebibytes: number | null): number {
  return mebibytes === null ? heapSize(getHeapStatistics().heap_size_limit) : mebibytes * 1_048_576;
}

function readRealtime(
  options: Partial<RealtimeOptions>,
  env: Readonly<Record<string, string | undefined>>,
): RealtimeOptions {
  const bufferSize = count('OJS_REALTIME_BUFFER', env);
  const ratePerSecond = nonEmpty(env.OJS_REALTIME_RATE) === '0' ? 0 : count('OJS_REALTIME_RATE', env);
  const connectionsPerClient = count('OJS_REALTIME_CONNECTIONS', env);
  return {
    ...realtimeDefaults,
    ...(bufferSize !== null && { bufferSize }),
    ...(ratePerSecond !== null && { ratePerSecond }),
    ...(connectionsPerClient !== null && { connectionsPerClient }),
    ...options,
  };
}

function readEngine(
  options: ServerConfig['engine'],
  env: Readonly<Record<string, string | undefined>>,
): ServerConfig['engine'] {
  const poisonAfter = count('OJS_POISON_AFTER', env);
  const maxQueues = count('OJS_MAX_QUEUES', env);
  const keep = count('OJS_RETAIN_COUNT', env);
  const keepDeadLetters = count('OJS_RETAIN_DEAD_LETTER_COUNT', env);
  const keepEvents = count('OJS_RETAIN_EVENTS_COUNT', env);
  const keepWorkflows = count('OJS_RETAIN_WORKFLOWS_COUNT', env);
  const keepAudit = count('OJS_RETAIN_AUDIT_COUNT', env);
  const pausedQueues = nonEmpty(env.OJS_PAUSED_QUEUES);
  if (pausedQueues !== undefined && pausedQueues !== 'accept' && pausedQueues !== 'reject')
    throw new ConfigError(`OJS_PAUSED_QUEUES is ${pausedQueues}; expected accept or reject`);
  const retention = {
    ...millis('OJS_RETAIN_COMPLETED', 'completedMs', env),
    ...millis('OJS_RETAIN_CANCELLED', 'cancelledMs', env),
    ...millis('OJS_RETAIN_DISCARDED', 'discardedMs', env),
    ...millis('OJS_RETAIN_DEAD_LETTER', 'deadLetterMs', env),
    ...millis('OJS_RETAIN_EVENTS', 'eventsMs', env),
    ...millis('OJS_RETAIN_WORKFLOWS', 'workflowsMs', env),
    ...millis('OJS_RETAIN_STATISTICS', 'statisticsMs', env),
    ...millis('OJS_RETAIN_AUDIT', 'auditMs', env),
    ...(keep !== null && { keep }),
    ...(keepDeadLetters !== null && { keepDeadLetters }),
    ...(keepEvents !== null && { keepEvents }),
    ...(keepWorkflows !== null && { keepWorkflows }),
    ...(keepAudit !== null && { keepAudit }),
    ...options.retention,
  };
  return {
    ...millis('OJS_VISIBILITY_TIMEOUT', 'visibilityMs', env),
    ...millis('OJS_DEAD_AFTER', 'deadAfterMs', env),
    ...(flag('OJS_REQUIRE_LEASE', env) && { requireLease: true }),
    ...(poisonAfter !== null && { poisonAfter }),
    ...(maxQueues !== null && { maxQueues }),
    ...(pausedQueues !== undefined && { pausedQueues }),
    ...options,
    retention,
    history: readHistory(options.history ?? {}, env),
  };
}

function readHistory(
  options: Partial<HistoryOptions>,
  env: Readonly<Record<string, string | undefined>>,
): Partial<HistoryOptions> {
  const retentionDays = count('OJS_HISTORY_RETENTION_DAYS', env);
  const maxEventsPerJob = count('OJS_HISTORY_MAX_EVENTS_PER_JOB', env);
  const rules = words(env.OJS_HISTORY_RETENTION, /\s+/);
  const history = {
    ...(nonEmpty(env.OJS_HISTORY_ENABLED) !== undefined && { enabled: flag('OJS_HISTORY_ENABLED', env) }),
    ...(retentionDays !== null && { retentionDays }),
    ...(maxEventsPerJob !== null && { maxEventsPerJob }),
    ...(rules.length > 0 && { rules }),
    ...options,
  };
  configured('', () => historyPolicy(history));
  return history;
}

/** A duration of the environment as an option in milliseconds; empty if the variable is not set. */
function millis<Option extends string>(
  name: string,
  option: Option,
  env: Readonly<Record<string, string | undefined>>,
): { readonly [K in Option]?: number } {
  const ms = duration(name, env);
  return (ms === null ? {} : { [option]: ms }) as { readonly [K in Option]?: number };
}

function duration(name: string, env: Readonly<Record<string, string | undefined>>): number | null {
  const text = nonEmpty(env[name]);
  if (text === undefined) return null;
  const ms = readDuration(text);
  if (ms === null || ms < 1) throw new ConfigError(`${name} is ${text}; expected a duration such as 30s, 7d or PT30M`);
  return ms;
}

function count(name: string, env: Readonly<Record<string, string | undefined>>): number | null {
  const text = nonEmpty(env[name]);
  if (text === undefined) return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new ConfigError(`${name} is ${text}; expected a whole number from 1 to 999999999`);
}

function flag(name: string, env: Readonly<Record<string, string | undefined>>, byDefault = false): boolean {
  const text = nonEmpty(env[name])?.toLowerCase();
  if (text === undefined) return byDefault;
  if (text === 'false' || text === '0') return false;
  if (text === 'true' || text === '1') return true;
  throw new ConfigError(`${name} is ${text}; expected true or false`);
}

function words(text: string | undefined, separator: RegExp): readonly string[] {
  return (text ?? '').split(separator).filter((word) => word !== '');
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
