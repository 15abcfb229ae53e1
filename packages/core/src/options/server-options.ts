import { historyDefaults } from '../lifecycle/history.ts';
import { defaultDeadAfterMs } from '../lifecycle/liveness.ts';
import { defaultPoisonAfter } from '../lifecycle/poison.ts';
import { isServiceAddress } from '../variables.ts';
import { choice, count, duration, list, rate, text, toggle } from './kinds.ts';
import { listOptions } from './option.ts';

const second = 1_000;
const day = 86_400_000;

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * Every option of the server, once. `ojs serve`, the `OJS_*` variables, the types and checks of `startServer`, the
 * settings that the server answers and docs/reference/server.md follow from it. A name that ends in `Ms` is in
 * milliseconds.
 */
export const serverOptions = {
  storage: text(
    'OJS_STORAGE',
    '--storage <url>',
    'sqlite:./ojs.db',
    'memory:, sqlite:PATH, postgres://…, redis://…, or sqlite: for a temporary file',
    { shown: addressOf },
  ),
  port: {
    ...count('OJS_PORT', 8080, 'port, 0 for a free one', { least: 0, most: 65_535, unit: 'number' }),
    // Kubernetes sets the variable for a service named ojs.
    ignores: isServiceAddress,
  },
  host: text('OJS_HOST', '--host <address>', '127.0.0.1', 'address to listen on'),
  tokens: list(
    'OJS_TOKEN',
    '--token <token>',
    /\s+/,
    'SECRET for the role admin, or ROLES:SECRET such as enqueue,work:SECRET',
    true,
  ),
  tokenFile: text('OJS_TOKEN_FILE', '--token-file <file>', null, 'a file of such tokens, one per line'),
  insecure: toggle('OJS_INSECURE', false, 'listen beyond loopback without a token'),
  allowedHosts: list(
    'OJS_ALLOWED_HOSTS',
    '--allow-host <name>',
    /[\s,]+/,
    'host name to accept in the Host header, besides localhost and IP addresses',
  ),
  allowedOrigins: list(
    'OJS_ALLOWED_ORIGINS',
    '--allow-origin <origin>',
    /[\s,]+/,
    'origin of web pages that may call the server',
  ),
  tls: {
    certFile: text('OJS_TLS_CERT_FILE', '--tls-cert <file>', null, 'certificate in PEM', { shown: isGiven }),
    keyFile: text('OJS_TLS_KEY_FILE', '--tls-key <file>', null, 'private key in PEM', { shown: isGiven }),
  },
  requestRate: rate('OJS_REQUEST_RATE', null, 'limit of requests for each token or address, such as 1000/60s'),
  failedLogins: rate(
    'OJS_FAILED_LOGINS',
    { limit: 10, perMs: 60 * second },
    'failed logins of an address before further ones are slowed',
  ),
  proxies: list(
    'OJS_PROXIES',
    '--proxy <address>',
    /[\s,]+/,
    'address or network of a proxy, whose X-Forwarded-For names the client',
  ),
  maxConnections: count('OJS_MAX_CONNECTIONS', 10_000, 'concurrent connections'),
  maxConnectionsPerAddress: count(
    'OJS_MAX_CONNECTIONS_PER_ADDRESS',
    1_000,
    'connections of one address without a token',
  ),
  headersTimeoutMs: duration('OJS_HEADERS_TIMEOUT', 10 * second, 'time limit for the headers of a request'),
  requestTimeoutMs: duration('OJS_REQUEST_TIMEOUT', 30 * second, 'time limit for a whole request'),
  closeTimeoutMs: duration('OJS_CLOSE_TIMEOUT', 10 * second, 'how long a shutdown waits for requests in progress'),
  memoryMb: count('OJS_MEMORY', null, 'memory that the budgets for requests, answers and streams come from', {
    unit: 'MiB',
    defaultText: 'the heap limit of the process',
  }),
  engine: {
    pausedQueues: choice(
      'OJS_PAUSED_QUEUES',
      'what',
      ['accept', 'reject'],
      'accept',
      'what a paused queue does with new jobs',
    ),
    maxQueues: count('OJS_MAX_QUEUES', 10_000, 'the most queues that enqueued jobs create'),
    requireLease: toggle(
      'OJS_REQUIRE_LEASE',
      false,
      'count an ack, nack, report or heartbeat of a job only with its lease',
    ),
    poisonAfter: count(
      'OJS_POISON_AFTER',
      defaultPoisonAfter,
      'discard a job after this many workers have died while running it',
    ),
    deadAfterMs: duration(
      'OJS_DEAD_AFTER',
      defaultDeadAfterMs,
      'time without a heartbeat until a worker counts as dead',
    ),
    visibilityMs: duration(
      'OJS_VISIBILITY_TIMEOUT',
      1_800 * second,
      'lease of a fetched job if neither the fetch nor the job names one',
    ),
    retention: {
      completedMs: duration('OJS_RETAIN_COMPLETED', 7 * day, 'how long to keep completed jobs'),
      cancelledMs: duration('OJS_RETAIN_CANCELLED', 7 * day, 'how long to keep cancelled jobs'),
      discardedMs: duration('OJS_RETAIN_DISCARDED', 30 * day, 'how long to keep discarded jobs'),
      keep: count('OJS_RETAIN_COUNT', 1_000_000, 'how many ended jobs of each state to keep'),
      deadLetterMs: duration('OJS_RETAIN_DEAD_LETTER', 180 * day, 'how long to keep dead letters'),
      keepDeadLetters: count('OJS_RETAIN_DEAD_LETTER_COUNT', 10_000, 'how many dead letters to keep'),
      eventsMs: duration('OJS_RETAIN_EVENTS', 7 * day, 'how long to keep events'),
      keepEvents: count('OJS_RETAIN_EVENTS_COUNT', 1_000_000, 'how many events to keep'),
      workflowsMs: duration('OJS_RETAIN_WORKFLOWS', 7 * day, 'how long to keep ended workflows'),
      keepWorkflows: count('OJS_RETAIN_WORKFLOWS_COUNT', 100_000, 'how many ended workflows to keep'),
      statisticsMs: duration('OJS_RETAIN_STATISTICS', 7 * day, 'how long to keep per-minute statistics'),
      auditMs: duration('OJS_RETAIN_AUDIT', 365 * day, 'how long to keep entries of the audit log'),
      keepAudit: count('OJS_RETAIN_AUDIT_COUNT', 100_000, 'how many entries of the audit log to keep'),
    },
    history: {
      enabled: toggle(
        'OJS_HISTORY_ENABLED',
        historyDefaults.enabled,
        'answer the history of every job as empty',
        '--no-history',
      ),
      retentionDays: count(
        'OJS_HISTORY_RETENTION_DAYS',
        historyDefaults.retentionDays,
        'days that events stay in the history of a job',
      ),
      maxEventsPerJob: count(
        'OJS_HISTORY_MAX_EVENTS_PER_JOB',
        historyDefaults.maxEventsPerJob,
        'the most events in the history of a job',
      ),
      rules: list(
        'OJS_HISTORY_RETENTION',
        '--history-retention <rule>',
        /\s+/,
        'how long histories stay by queue, type and state, such as queue=mail,state=completed:7d',
      ),
    },
  },
  events: toggle('OJS_EVENTS', true, 'keep no event log'),
  realtime: {
    bufferSize: count('OJS_REALTIME_BUFFER', 1_000, 'messages to buffer for a slow stream or WebSocket'),
    ratePerSecond: count('OJS_REALTIME_RATE', 100, 'messages per second on one connection, 0 for no limit', {
      least: 0,
    }),
    connectionsPerClient: count('OJS_REALTIME_CONNECTIONS', 100, 'streams and WebSockets per client'),
  },
  quirks: toggle('OJS_QUIRKS', true, 'do not adapt answers to known clients'),
  storeCheck: toggle('OJS_STORE_CHECK', true, 'do not look for damage in an SQLite file after the start'),
  dashboard: toggle('OJS_DASHBOARD', true, 'do not serve the pages at /dashboard/ and /playground'),
  docsUrl: text('OJS_DOCS_URL', '--docs-url <url>', null, 'documentation that errors and findings link to', {
    form: /^https?:\/\/[^\s/?#]+(?:\/[^\s?#]*)?$/,
    expected: 'an address such as https://docs.example.com/ojs/, without ? and #',
    defaultText: '/docs/ of this server if installed, else the repository',
  }),
  log: choice('OJS_LOG_LEVEL', 'level', logLevels, 'info', 'lowest level of lines in the log', [false]),
  logJobs: text(
    'OJS_LOG_JOBS',
    '--log-jobs <rate>',
    null,
    'log the lifecycle of all jobs, of one in N as 1/N, or of none: off',
    {
      form: /^(?:all|off|1\/[1-9]\d{0,8})$/,
      expected: 'all, off, or one in N as 1/N',
      defaultText: 'off, all at debug',
    },
  ),
  accessLog: toggle('OJS_ACCESS_LOG', false, 'log every answered request'),
  testMode: toggle('OJS_TEST_MODE', false, 'enable what the official conformance cases need; loopback only'),
};

export const serverVariables: readonly string[] = listOptions(serverOptions).map(({ variable }) => variable);

/** A storage without user, password and options; of a URL that cannot be read only its scheme. */
function addressOf(storage: string | null): string | null {
  if (!storage?.includes('://')) return storage;
  try {
    const { protocol, host, pathname } = new URL(storage);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return `${storage.slice(0, storage.indexOf('://'))}://…`;
  }
}

function isGiven(file: string | null): boolean {
  return file !== null;
}
