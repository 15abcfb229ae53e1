import { editDistance, nearestName } from './suggestion.ts';

/**
 * The `OJS_*` variables that programs other than the server read. The variables of the server are the options of
 * `@ojs-ts/core/options`, which a client does not load.
 */
export const clientVariables: readonly string[] = [
  // The SDK.
  'OJS_BACKEND_URL',
  'OJS_AUTH_TOKEN',
  'OJS_QUEUE',
  'OJS_CONCURRENCY',
  'OJS_SHUTDOWN_TIMEOUT',
  'OJS_LOG_LEVEL',
  'OJS_TLS_CA_FILE',
  'OJS_TLS_CERT_FILE',
  'OJS_TLS_KEY_FILE',
  // Tests of this project.
  'OJS_SUITES',
  'OJS_SCHEMA_CASES',
  'OJS_BUG',
  'OJS_CHROMIUM',
  // Other clients and servers of the specification.
  'OJS_PUBLISH',
  'OJS_URL',
  'OJS_OUTPUT',
  'OJS_CONFIG',
  'OJS_CONFORMANCE',
  'OJS_ALLOW_INSECURE_NO_AUTH',
  'OJS_SHUTDOWN_GRACE_PERIOD',
];

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

/**
 * Looks for `OJS_*` variables that no program reads.
 * @param more names besides those of clients.
 */
export function checkVariables(
  env: Readonly<Record<string, string | undefined>>,
  more: readonly string[] = [],
): VariableCheck {
  const known = [...clientVariables, ...more];
  const misspelled: { name: string; suggestion: string }[] = [];
  const unknown: { name: string; suggestion: string | null }[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('OJS_') || value === undefined || known.includes(name)) continue;
    if (serviceNames.test(name) || isServiceAddress(value)) continue;
    const suggestion = nearestName(name, known) ?? null;
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
