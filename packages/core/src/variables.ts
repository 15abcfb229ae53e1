import { editDistance, nearestName } from './suggestion.ts';

/** Who reads a variable; `other` are the specification's other clients and servers. */
export type VariableReader = 'server' | 'sdk' | 'tests' | 'other';

/** Every `OJS_*` environment variable that a program of this project, or a published one, reads. */
const table = {
  OJS_STORAGE: ['server'],
  OJS_PORT: ['server'],
  OJS_HOST: ['server'],
  OJS_TOKEN: ['server'],
  OJS_TOKEN_FILE: ['server'],
  OJS_INSECURE: ['server'],
  OJS_ALLOWED_HOSTS: ['server'],
  OJS_ALLOWED_ORIGINS: ['server'],
  OJS_TLS_CERT_FILE: ['server', 'sdk'],
  OJS_TLS_KEY_FILE: ['server', 'sdk'],
  OJS_TEST_MODE: ['server'],
  OJS_QUIRKS: ['server'],
  OJS_LOG_LEVEL: ['server', 'sdk'],
  OJS_LOG_JOBS: ['server'],
  OJS_ACCESS_LOG: ['server'],
  OJS_MAX_CONNECTIONS: ['server'],
  OJS_MAX_CONNECTIONS_PER_ADDRESS: ['server'],
  OJS_PROXIES: ['server'],
  OJS_FAILED_LOGINS: ['server'],
  OJS_HEADERS_TIMEOUT: ['server'],
  OJS_REQUEST_TIMEOUT: ['server'],
  OJS_MEMORY: ['server'],
  OJS_CLOSE_TIMEOUT: ['server'],
  OJS_REQUEST_RATE: ['server'],
  OJS_EVENTS: ['server'],
  OJS_REALTIME_BUFFER: ['server'],
  OJS_REALTIME_RATE: ['server'],
  OJS_REALTIME_CONNECTIONS: ['server'],
  OJS_DASHBOARD: ['server'],
  OJS_STORE_CHECK: ['server'],
  OJS_VISIBILITY_TIMEOUT: ['server'],
  OJS_DEAD_AFTER: ['server'],
  OJS_REQUIRE_LEASE: ['server'],
  OJS_POISON_AFTER: ['server'],
  OJS_MAX_QUEUES: ['server'],
  OJS_PAUSED_QUEUES: ['server'],
  OJS_RETAIN_COMPLETED: ['server'],
  OJS_RETAIN_CANCELLED: ['server'],
  OJS_RETAIN_DISCARDED: ['server'],
  OJS_RETAIN_COUNT: ['server'],
  OJS_RETAIN_DEAD_LETTER: ['server'],
  OJS_RETAIN_DEAD_LETTER_COUNT: ['server'],
  OJS_RETAIN_EVENTS: ['server'],
  OJS_RETAIN_EVENTS_COUNT: ['server'],
  OJS_RETAIN_WORKFLOWS: ['server'],
  OJS_RETAIN_WORKFLOWS_COUNT: ['server'],
  OJS_RETAIN_STATISTICS: ['server'],
  OJS_RETAIN_AUDIT: ['server'],
  OJS_RETAIN_AUDIT_COUNT: ['server'],
  OJS_HISTORY_ENABLED: ['server'],
  OJS_HISTORY_RETENTION_DAYS: ['server'],
  OJS_HISTORY_MAX_EVENTS_PER_JOB: ['server'],
  OJS_HISTORY_RETENTION: ['server'],
  OJS_BACKEND_URL: ['sdk'],
  OJS_AUTH_TOKEN: ['sdk'],
  OJS_QUEUE: ['sdk'],
  OJS_CONCURRENCY: ['sdk'],
  OJS_SHUTDOWN_TIMEOUT: ['sdk'],
  OJS_TLS_CA_FILE: ['sdk'],
  OJS_SUITES: ['tests'],
  OJS_SCHEMA_CASES: ['tests'],
  OJS_BUG: ['tests'],
  OJS_CHROMIUM: ['tests'],
  OJS_PUBLISH: ['other'],
  OJS_URL: ['other'],
  OJS_OUTPUT: ['other'],
  OJS_CONFIG: ['other'],
  OJS_CONFORMANCE: ['other'],
  OJS_ALLOW_INSECURE_NO_AUTH: ['other'],
  OJS_SHUTDOWN_GRACE_PERIOD: ['other'],
} as const satisfies Record<string, readonly VariableReader[]>;

export type Variable = keyof typeof table;
export const variables: Readonly<Record<Variable, readonly VariableReader[]>> = table;
export const variableNames = Object.keys(table) as readonly Variable[];

/** Prefixes with free names: those of test databases, and ojs-secrets' (`OJS_SECRET_DB_PASSWORD`). */
const families = /^OJS_(?:TEST|SECRET)_./;
/**
 * Variables that Kubernetes and Docker links derive from a service or container whose name begins with `ojs`:
 * `OJS_SERVICE_HOST`, `OJS_SERVER_PORT_8080_TCP_ADDR`.
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
const serviceNames =
  /^OJS_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?|ENV_.+)$/;

export interface VariableCheck {
  /** Unknown names that are a letter or two away from a known one, which is the suggestion. */
  readonly misspelled: readonly { readonly name: string; readonly suggestion: string }[];
  /** Other unknown names; the suggestion is that of {@link nearestName}. */
  readonly unknown: readonly { readonly name: string; readonly suggestion: string | null }[];
}

/** Looks for `OJS_*` variables that nobody reads. */
export function checkVariables(env: Readonly<Record<string, string | undefined>>): VariableCheck {
  const misspelled: { name: string; suggestion: string }[] = [];
  const unknown: { name: string; suggestion: string | null }[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('OJS_') || value === undefined || Object.hasOwn(variables, name)) continue;
    if (serviceNames.test(name) || isServiceAddress(value)) continue;
    const suggestion = nearestName(name, variableNames) ?? null;
    if (suggestion !== null && isNear(name, suggestion)) misspelled.push({ name, suggestion });
    else if (!families.test(name)) unknown.push({ name, suggestion });
  }
  return { misspelled, unknown };
}

/**
 * `tcp://10.0.0.1:8080`: Kubernetes sets `OJS_PORT` to such a value for a service named `ojs`, and Docker links set
 * `OJS_SERVER_PORT`.
 */
export function isServiceAddress(value: string): boolean {
  return /^(?:tcp|udp|sctp):\/\//.test(value);
}

/**
 * A program that refuses to start must be sure: one letter, or two in a name of at least eight letters after the
 * prefix.
 */
function isNear(name: string, known: string): boolean {
  return editDistance(name, known) <= (name.length - 'OJS_'.length >= 8 ? 2 : 1);
}
