import { formatDuration, isServiceAddress, type Variable } from '@ojs-ts/core';
import type { Setting } from './binding/handler.ts';
import type { ServerConfig, ServerOptions } from './config.ts';
import type { Engine } from './engine/engine.ts';
import type { RequestRate } from './http/rate-limit.ts';

interface Row {
  /** What the caller of `startServer` gave; undefined for nothing. */
  readonly option: (options: ServerOptions) => unknown;
  /** The value in use. Of a secret only whether there is one, or how many. */
  readonly value: (config: ServerConfig, engine: Engine) => Setting['value'];
}

const rows: Partial<Record<Variable, Row>> = {
  OJS_STORAGE: { option: (o) => o.storage, value: (c) => placeOf(c.storage) },
  OJS_PORT: { option: (o) => o.port, value: (c) => c.port },
  OJS_HOST: { option: (o) => o.host, value: (c) => c.host },
  OJS_TOKEN: { option: (o) => o.tokens, value: (c) => c.tokens.length },
  OJS_TOKEN_FILE: { option: (o) => o.tokenFile, value: (c) => c.tokenFile },
  OJS_INSECURE: { option: (o) => o.insecure, value: (c) => c.insecure },
  OJS_ALLOWED_HOSTS: { option: (o) => o.allowedHosts, value: (c) => c.allowedHosts },
  OJS_ALLOWED_ORIGINS: { option: (o) => o.allowedOrigins, value: (c) => c.allowedOrigins },
  OJS_TLS_CERT_FILE: { option: (o) => o.tls?.certFile, value: (c) => c.tls !== null },
  OJS_TLS_KEY_FILE: { option: (o) => o.tls?.keyFile, value: (c) => c.tls !== null },
  OJS_TEST_MODE: { option: (o) => o.testMode, value: (c) => c.testMode },
  OJS_QUIRKS: { option: (o) => o.quirks, value: (c) => c.quirks },
  OJS_LOG_LEVEL: { option: (o) => o.log, value: (c) => c.log },
  OJS_LOG_JOBS: {
    option: (o) => o.logJobs,
    value: (c) => (c.logJobs === null ? 'off' : c.logJobs === 1 ? 'all' : `1/${c.logJobs}`),
  },
  OJS_ACCESS_LOG: { option: (o) => o.accessLog, value: (c) => c.accessLog },
  OJS_MAX_CONNECTIONS: { option: (o) => o.maxConnections, value: (c) => c.maxConnections },
  OJS_MAX_CONNECTIONS_PER_ADDRESS: {
    option: (o) => o.maxConnectionsPerAddress,
    value: (c) => c.maxConnectionsPerAddress,
  },
  OJS_PROXIES: { option: (o) => o.proxies, value: (c) => c.proxies },
  OJS_FAILED_LOGINS: { option: (o) => o.failedLogins, value: (c) => rateText(c.failedLogins) },
  OJS_HEADERS_TIMEOUT: { option: (o) => o.headersTimeoutMs, value: (c) => formatDuration(c.headersTimeoutMs) },
  OJS_REQUEST_TIMEOUT: { option: (o) => o.requestTimeoutMs, value: (c) => formatDuration(c.requestTimeoutMs) },
  OJS_MEMORY: { option: (o) => o.memoryMb, value: (c) => c.memoryMb },
  OJS_CLOSE_TIMEOUT: { option: (o) => o.closeTimeoutMs, value: (c) => formatDuration(c.closeTimeoutMs) },
  OJS_REQUEST_RATE: { option: (o) => o.requestRate, value: (c) => c.requestRate && rateText(c.requestRate) },
  OJS_EVENTS: { option: (o) => o.events, value: (c) => c.events },
  OJS_REALTIME_BUFFER: { option: (o) => o.realtime?.bufferSize, value: (c) => c.realtime.bufferSize },
  OJS_REALTIME_RATE: { option: (o) => o.realtime?.ratePerSecond, value: (c) => c.realtime.ratePerSecond },
  OJS_REALTIME_CONNECTIONS: {
    option: (o) => o.realtime?.connectionsPerClient,
    value: (c) => c.realtime.connectionsPerClient,
  },
  OJS_DASHBOARD: { option: (o) => o.dashboard, value: (c) => c.dashboard },
  OJS_STORE_CHECK: { option: (o) => o.storeCheck, value: (c) => c.storeCheck },
  OJS_VISIBILITY_TIMEOUT: { option: (o) => o.engine?.visibilityMs, value: (_, e) => formatDuration(e.visibilityMs) },
  OJS_DEAD_AFTER: { option: (o) => o.engine?.deadAfterMs, value: (_, e) => formatDuration(e.deadAfterMs) },
  OJS_REQUIRE_LEASE: { option: (o) => o.engine?.requireLease, value: (_, e) => e.requireLease },
  OJS_MAX_QUEUES: { option: (o) => o.engine?.maxQueues, value: (_, e) => e.maxQueues },
  OJS_POISON_AFTER: { option: (o) => o.engine?.poisonAfter, value: (_, e) => e.poisonAfter },
  OJS_PAUSED_QUEUES: { option: (o) => o.engine?.pausedQueues, value: (_, e) => e.pausedQueues },
  OJS_RETAIN_COMPLETED: kept('completedMs'),
  OJS_RETAIN_CANCELLED: kept('cancelledMs'),
  OJS_RETAIN_DISCARDED: kept('discardedMs'),
  OJS_RETAIN_COUNT: kept('keep'),
  OJS_RETAIN_DEAD_LETTER: kept('deadLetterMs'),
  OJS_RETAIN_DEAD_LETTER_COUNT: kept('keepDeadLetters'),
  OJS_RETAIN_EVENTS: kept('eventsMs'),
  OJS_RETAIN_EVENTS_COUNT: kept('keepEvents'),
  OJS_RETAIN_WORKFLOWS: kept('workflowsMs'),
  OJS_RETAIN_WORKFLOWS_COUNT: kept('keepWorkflows'),
  OJS_RETAIN_STATISTICS: kept('statisticsMs'),
  OJS_RETAIN_AUDIT: kept('auditMs'),
  OJS_RETAIN_AUDIT_COUNT: kept('keepAudit'),
  OJS_HISTORY_ENABLED: { option: (o) => o.engine?.history?.enabled, value: (_, e) => e.history.enabled },
  OJS_HISTORY_RETENTION_DAYS: {
    option: (o) => o.engine?.history?.retentionDays,
    value: (_, e) => e.history.keepMs / 86_400_000,
  },
  OJS_HISTORY_MAX_EVENTS_PER_JOB: {
    option: (o) => o.engine?.history?.maxEventsPerJob,
    value: (_, e) => e.history.maxEvents,
  },
  OJS_HISTORY_RETENTION: { option: (o) => o.engine?.history?.rules, value: (c) => c.engine.history?.rules ?? [] },
};

/**
 * Every setting of the server under the name of its variable, in lower case and without `OJS_`. Durations are in ISO
 * 8601, which the variables also read.
 */
export function settingsOf(
  options: ServerOptions,
  config: ServerConfig,
  engine: Engine,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, Setting>> {
  const settings: Record<string, Setting> = {};
  for (const [variable, row] of Object.entries(rows)) {
    const { option, value } = row;
    const origin = isGiven(option(options))
      ? 'option'
      : isGiven(env[variable]) && !(variable === 'OJS_PORT' && isServiceAddress(env[variable] ?? ''))
        ? 'environment'
        : 'default';
    settings[variable.slice('OJS_'.length).toLowerCase()] = { value: value(config, engine), origin, variable };
  }
  return settings;
}

function kept(name: keyof Engine['retention']): Row {
  return {
    option: ({ engine }) => engine?.retention?.[name],
    value: (_, { retention }) => (name.endsWith('Ms') ? formatDuration(retention[name]) : retention[name]),
  };
}

/** Empty texts count as absent. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== '';
}

function rateText({ limit, perMs }: RequestRate): string {
  return `${limit}/${formatDuration(perMs)}`;
}

/** A storage without user, password and options; of a URL that cannot be read only its scheme. */
function placeOf(storage: string): string {
  if (!storage.includes('://')) return storage;
  try {
    const { protocol, host, pathname } = new URL(storage);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return `${storage.slice(0, storage.indexOf('://'))}://…`;
  }
}
