import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { EngineOptions } from './engine/options.ts';
import { httpDefaults } from './http/app.ts';
import { parseToken, type Token } from './http/auth.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Options of `startServer`, of `ojs serve` and of the `OJS_*` environment. */
export interface ServerOptions {
  /** `memory:`, `sqlite:PATH` or `sqlite:` for a temporary file. Default `sqlite:./ojs.db`; `OJS_STORAGE`. */
  readonly storage?: string;
  /** Default 8080; 0 takes a free one. `OJS_PORT`. */
  readonly port?: number;
  /** Default 127.0.0.1. Another address than loopback needs a token, or `insecure`. `OJS_HOST`. */
  readonly host?: string;
  /** `SECRET`, or `enqueue,work:SECRET` for a token with some of the scopes enqueue, work, admin. `OJS_TOKEN`, several by spaces. */
  readonly tokens?: readonly string[];
  /** Listen beyond loopback without a token. `OJS_INSECURE=true`. */
  readonly insecure?: boolean;
  /** Names that requests may be addressed to, beside localhost and IP addresses. `OJS_ALLOWED_HOSTS`, by commas. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages that may call. `OJS_ALLOWED_ORIGINS`, by commas. */
  readonly allowedOrigins?: readonly string[];
  /** PEM files. `OJS_TLS_CERT_FILE`, `OJS_TLS_KEY_FILE`. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Adds POST /ojs/v1/admin/reset and directives by `test_directive`; loopback only. `OJS_TEST_MODE=true`. */
  readonly testMode?: boolean;
  /** Default info; false logs nothing. `OJS_LOG_LEVEL`. */
  readonly log?: LogLevel | false;
  readonly maxConnections?: number;
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** How long `close()` waits for requests under way. Default 10,000 ms. */
  readonly closeTimeoutMs?: number;
  readonly engine?: Pick<EngineOptions, 'visibilityMs' | 'deadAfterMs' | 'retention'>;
}

export interface ServerConfig {
  readonly storage: string;
  readonly port: number;
  readonly host: string;
  readonly tokens: readonly Token[];
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  readonly testMode: boolean;
  readonly log: LogLevel | false;
  readonly maxConnections: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly engine: NonNullable<ServerOptions['engine']>;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);
const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A configuration that cannot be meant; the message says what, and what to do. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** Options over environment over defaults. Throws `ConfigError`. */
export function readConfig(options: ServerOptions, env: Readonly<Record<string, string | undefined>> = process.env): ServerConfig {
  const host = options.host ?? nonEmpty(env.OJS_HOST) ?? '127.0.0.1';
  const tokens = readTokens(options.tokens ?? words(env.OJS_TOKEN, /\s+/));
  const testMode = options.testMode ?? flag('OJS_TEST_MODE', env);
  const insecure = options.insecure ?? flag('OJS_INSECURE', env);
  if (!loopback.has(host)) {
    if (testMode) throw new ConfigError(`test mode empties the store on request, so it listens on loopback only, not on ${host}`);
    if (tokens.length === 0 && !insecure) {
      throw new ConfigError(
        `listening on ${host} without a token would let anybody in; give --token, or --insecure if that is what you want`,
      );
    }
  }
  return {
    storage: options.storage ?? nonEmpty(env.OJS_STORAGE) ?? 'sqlite:./ojs.db',
    port: options.port ?? readPort(nonEmpty(env.OJS_PORT)),
    host,
    tokens,
    allowedHosts: (options.allowedHosts ?? words(env.OJS_ALLOWED_HOSTS, /[\s,]+/)).map((name) => name.toLowerCase()),
    allowedOrigins: options.allowedOrigins ?? words(env.OJS_ALLOWED_ORIGINS, /[\s,]+/),
    tls: readTls(
      nonEmpty(options.tls?.certFile) ?? nonEmpty(env.OJS_TLS_CERT_FILE),
      nonEmpty(options.tls?.keyFile) ?? nonEmpty(env.OJS_TLS_KEY_FILE),
    ),
    testMode,
    log: options.log ?? readLevel(nonEmpty(env.OJS_LOG_LEVEL)),
    maxConnections: options.maxConnections ?? httpDefaults.maxConnections,
    headersTimeoutMs: options.headersTimeoutMs ?? httpDefaults.headersTimeoutMs,
    requestTimeoutMs: options.requestTimeoutMs ?? httpDefaults.requestTimeoutMs,
    closeTimeoutMs: options.closeTimeoutMs ?? 10_000,
    engine: options.engine ?? {},
  };
}

function readTokens(texts: readonly string[]): readonly Token[] {
  return texts.map((text) => {
    try {
      return parseToken(text);
    } catch (error) {
      throw new ConfigError(error instanceof Error ? error.message : 'a token cannot be read');
    }
  });
}

function readTls(certFile: string | undefined, keyFile: string | undefined): ServerConfig['tls'] {
  if (certFile === undefined && keyFile === undefined) return null;
  if (certFile === undefined || keyFile === undefined) throw new ConfigError('TLS needs both a certificate file and a key file');
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
      `${certFile} and ${keyFile} cannot serve as certificate and key: ${error instanceof Error ? error.message : 'unknown error'}`,
    );
  }
  return tls;
}

function readPort(text: string | undefined): number {
  if (text === undefined) return 8080;
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

function flag(name: string, env: Readonly<Record<string, string | undefined>>): boolean {
  const text = nonEmpty(env[name])?.toLowerCase();
  if (text === undefined || text === 'false' || text === '0') return false;
  if (text === 'true' || text === '1') return true;
  throw new ConfigError(`${name} is ${text}; expected true or false`);
}

function words(text: string | undefined, separator: RegExp): readonly string[] {
  return (text ?? '').split(separator).filter((word) => word !== '');
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
