import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { getHeapStatistics } from 'node:v8';
import { checkVariables, isServiceAddress, type NamesOf } from '@ojs-ts/core';
import { historyPolicy } from '@ojs-ts/core/lifecycle';
import {
  type Environment,
  type LogLevel,
  namesOf,
  type OptionsOf,
  readOptions,
  type Setting,
  serverOptions,
  serverVariables,
  type ValuesOf,
} from '@ojs-ts/core/options';
import { ConfigError, checkOptions, configured } from './config-error.ts';
import { heapSize, type MemoryLimits, memoryLimits } from './engine/memory-limits.ts';
import { proxyList } from './http/proxies.ts';
import { parseToken, type Token, tokensOf } from './http/tokens.ts';
import { type RealtimeOptions, realtimeDefaults, realtimeNames } from './realtime/http/options.ts';

/**
 * Options of `startServer`, of `ojs serve` and of the `OJS_*` environment: docs/reference/server.md describes them. A
 * name that ends in `Ms` is in milliseconds.
 */
export interface ServerOptions extends OptionsOf<typeof serverOptions> {
  readonly realtime?: Partial<RealtimeOptions>;
  /** Takes the lines of the log, each with its line break. Default: standard error. */
  readonly logTo?: { write(line: string): void };
}

const serverNames: NamesOf<ServerOptions> = { ...namesOf(serverOptions), realtime: realtimeNames, logTo: true };

type Values = ValuesOf<typeof serverOptions>;

export interface ServerConfig extends Omit<Values, 'tokens' | 'tls' | 'logJobs' | 'memoryMb' | 'realtime'> {
  /** The tokens of the option or variable, and of the token file. */
  readonly tokens: readonly Token[];
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  /** One in so many jobs; null for none. */
  readonly logJobs: number | null;
  readonly memory: MemoryLimits;
  readonly realtime: RealtimeOptions;
  /**
   * Every setting under the name of its variable, in lower case and without `OJS_`. Durations are in ISO 8601, which
   * the variables also read.
   */
  readonly settings: Readonly<Record<string, Setting>>;
  /** For the log: unknown variables. */
  readonly warnings: readonly ConfigWarning[];
}

export interface ConfigWarning {
  readonly event: string;
  readonly fields: Readonly<Record<string, string | null>>;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** Options over environment over defaults. Throws `ConfigError`. */
export function readConfig(options: ServerOptions, env: Environment = process.env): ServerConfig {
  checkOptions(options, serverNames);
  const { values, settings } = configured(() => readOptions(serverOptions, options, env));
  const { host, testMode, tokenFile, tls, engine, proxies } = values;
  const fromFile = readTokenFile(tokenFile);
  const warnings = [...checkEnvironment(env), ...fromFile.warnings];
  const tokens = [...values.tokens.map((text) => configured(() => parseToken(text))), ...fromFile.tokens];
  if (!loopback.has(host)) {
    if (testMode)
      throw new ConfigError(
        `test mode empties the store on request, so it listens on loopback only, not on ${host}: ` +
          'leave out --test-mode (OJS_TEST_MODE), or give --host 127.0.0.1',
      );
    if (tokens.length === 0 && !values.insecure) {
      throw new ConfigError(
        `listening on ${host} without a token would let anybody in; ` +
          'give --token or --token-file, or --insecure if that is what you want',
      );
    }
  }
  configured(() => proxyList(proxies), 'OJS_PROXIES: ');
  configured(() => historyPolicy(engine.history));
  const heap = values.memoryMb === null ? heapSize(getHeapStatistics().heap_size_limit) : values.memoryMb * mebibyte;
  const logJobs = readLogJobs(values);
  return {
    ...values,
    tokens,
    allowedHosts: values.allowedHosts.map((name) => name.toLowerCase()),
    docsUrl: values.docsUrl?.replace(/\/*$/, '/') ?? null,
    tls: readTls(tls.certFile, tls.keyFile),
    logJobs,
    memory: memoryLimits(heap),
    realtime: { ...realtimeDefaults, ...options.realtime, ...values.realtime },
    settings: {
      ...settings,
      ...inUse(settings, 'token', tokens.length),
      ...inUse(settings, 'memory', Math.round(heap / mebibyte)),
      ...inUse(settings, 'log_jobs', logJobs === null ? 'off' : logJobs === 1 ? 'all' : `1/${logJobs}`),
    },
    warnings,
  };
}

const mebibyte = 1_048_576;

/** A setting whose value follows from more than its option. */
function inUse(settings: ServerConfig['settings'], name: string, value: Setting['value']): ServerConfig['settings'] {
  const { [name]: setting } = settings;
  return setting === undefined ? {} : { [name]: { ...setting, value } };
}

/**
 * Finds unknown variables; their names are warnings for the log.
 * @throws ConfigError for one that is a letter away from a known one.
 */
export function checkEnvironment(env: Environment = process.env): readonly ConfigWarning[] {
  const { misspelled, unknown } = checkVariables(env, serverVariables);
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
export function storageUrl(option: string | undefined, env: Environment = process.env): string {
  return option ?? (env.OJS_STORAGE || serverOptions.storage.fallback);
}

function readTokenFile(file: string | null): Pick<ServerConfig, 'tokens' | 'warnings'> {
  if (file === null) return { tokens: [], warnings: [] };
  const { tokens, isOpen } = configured(() => tokensOf(file));
  const fields = { name: file, advice: 'chmod o-r; of a Kubernetes volume defaultMode: 0440' };
  return { tokens, warnings: isOpen ? [{ event: 'token file is readable by everybody', fields }] : [] };
}

function readTls(certFile: string | null, keyFile: string | null): ServerConfig['tls'] {
  if (certFile === null && keyFile === null) return null;
  if (certFile === null || keyFile === null) {
    const missing = certFile === null ? '--tls-cert (OJS_TLS_CERT_FILE)' : '--tls-key (OJS_TLS_KEY_FILE)';
    throw new ConfigError(`TLS needs both a certificate file and a key file: set ${missing}`);
  }
  const read = (file: string) => configured(() => readFileSync(file), `${file} cannot be read: `);
  const tls = { cert: read(certFile), key: read(keyFile) };
  configured(() => createSecureContext(tls), `${certFile} and ${keyFile} cannot serve as certificate and key: `);
  return tls;
}

/** One in so many jobs; null for none. */
function readLogJobs({ logJobs, log, events }: Values): number | null {
  if (logJobs === null) return events && (log === 'trace' || log === 'debug') ? 1 : null;
  if (logJobs === 'off') return null;
  if (!events) throw new ConfigError('OJS_LOG_JOBS needs the event log, and OJS_EVENTS=false keeps none');
  return logJobs === 'all' ? 1 : Number(logJobs.slice('1/'.length));
}

export type { LogLevel };
