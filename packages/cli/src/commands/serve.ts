import { readDuration } from '@ojs-ts/core';
import type { LogLevel, RunningServer, ServerOptions } from '@ojs-ts/server';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readableLog, say } from '../output/speakers.ts';
import { reporting } from './command.ts';
import { failStart } from './start-failure.ts';

interface ServeFlags {
  readonly storage?: string;
  readonly port?: number;
  readonly host?: string;
  readonly token?: readonly string[];
  readonly tokenFile?: string;
  readonly insecure?: boolean;
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly logLevel?: LogLevel;
  readonly logJobs?: string;
  readonly accessLog?: boolean;
  readonly testMode?: boolean;
  readonly requestRate?: string;
  readonly pausedQueues?: 'accept' | 'reject';
  readonly requireLease?: boolean;
  readonly poisonAfter?: number;
  readonly maxQueues?: number;
  readonly deadAfter?: number;
  readonly visibilityTimeout?: number;
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
  readonly proxy?: readonly string[];
  readonly failedLogins?: string;
  readonly headersTimeout?: number;
  readonly requestTimeout?: number;
  readonly memory?: number;
  readonly closeTimeout?: number;
  readonly retainCompleted?: number;
  readonly retainCancelled?: number;
  readonly retainDiscarded?: number;
  readonly retainCount?: number;
  readonly retainDeadLetter?: number;
  readonly retainDeadLetterCount?: number;
  readonly retainEvents?: number;
  readonly retainEventsCount?: number;
  readonly retainWorkflows?: number;
  readonly retainWorkflowsCount?: number;
  readonly retainStatistics?: number;
  readonly retainAudit?: number;
  readonly retainAuditCount?: number;
  readonly historyRetentionDays?: number;
  readonly historyMaxEventsPerJob?: number;
  readonly historyRetention?: readonly string[];
  readonly realtimeBuffer?: number;
  readonly realtimeRate?: number;
  readonly realtimeConnections?: number;
  /** True where the flag is missing. */
  readonly dashboard: boolean;
  readonly storeCheck: boolean;
  readonly events: boolean;
  readonly history: boolean;
  readonly quirks: boolean;
}

/** `ojs serve`: flags over `OJS_*` environment over defaults, which the server reads itself. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('run the server')
    .option(
      '--storage <url>',
      'memory:, sqlite:PATH, postgres://…, redis://…, or sqlite: for a temporary file (OJS_STORAGE; ' +
        'default sqlite:./ojs.db)',
    )
    .option('--port <number>', 'port, 0 for a free one (OJS_PORT; default 8080)', port)
    .option('--host <address>', 'address to listen on (OJS_HOST; default 127.0.0.1)')
    .option(
      '--token <token>',
      'SECRET for the role admin, or ROLES:SECRET such as enqueue,work:SECRET; may be repeated (OJS_TOKEN)',
      collect,
    )
    .option('--token-file <file>', 'a file of such tokens, one a line (OJS_TOKEN_FILE)')
    .option('--insecure', 'listen beyond loopback without a token (OJS_INSECURE)')
    .option(
      '--allow-host <name>',
      'host name to accept in the Host header; may be repeated (OJS_ALLOWED_HOSTS)',
      collect,
    )
    .option(
      '--allow-origin <origin>',
      'origin of web pages that may call the server; may be repeated (OJS_ALLOWED_ORIGINS)',
      collect,
    )
    .option('--tls-cert <file>', 'certificate in PEM (OJS_TLS_CERT_FILE)')
    .option('--tls-key <file>', 'private key in PEM (OJS_TLS_KEY_FILE)')
    .addOption(
      new Option('--log-level <level>', 'OJS_LOG_LEVEL; default info').choices([
        'trace',
        'debug',
        'info',
        'warn',
        'error',
      ]),
    )
    .option(
      '--log-jobs <rate>',
      'log the lifecycle of all jobs, of one in N as 1/N, or of none: off (OJS_LOG_JOBS; default off, all at debug)',
    )
    .option('--access-log', 'log every answered request (OJS_ACCESS_LOG)')
    .option(
      '--request-rate <rate>',
      'limit of requests for each token or address, such as 1000/60s (OJS_REQUEST_RATE; default no limit)',
    )
    .addOption(
      new Option(
        '--paused-queues <what>',
        'what a paused queue does with new jobs (OJS_PAUSED_QUEUES; default accept)',
      ).choices(['accept', 'reject']),
    )
    .option(
      '--require-lease',
      'count an ack, nack, report or heartbeat of a job only with its lease (OJS_REQUIRE_LEASE)',
    )
    .option(
      '--poison-after <count>',
      'discard a job after this many workers have died while running it (OJS_POISON_AFTER; default 3)',
      atLeastOne,
    )
    .option(
      '--max-queues <count>',
      'the most queues that enqueued jobs create (OJS_MAX_QUEUES; default 10000)',
      atLeastOne,
    )
    .option(
      '--dead-after <duration>',
      'time without a heartbeat until a worker counts as dead (OJS_DEAD_AFTER; default 30s)',
      millis,
    )
    .option(
      '--visibility-timeout <duration>',
      'lease of a fetched job if the fetch names none (OJS_VISIBILITY_TIMEOUT; default 30m)',
      millis,
    )
    .option('--max-connections <count>', 'concurrent connections (OJS_MAX_CONNECTIONS; default 10000)', atLeastOne)
    .option(
      '--max-connections-per-address <count>',
      'connections of one address without a token (OJS_MAX_CONNECTIONS_PER_ADDRESS; default 1000)',
      atLeastOne,
    )
    .option(
      '--proxy <address>',
      'address or network of a proxy, whose X-Forwarded-For names the client; may be repeated (OJS_PROXIES)',
      collect,
    )
    .option(
      '--failed-logins <rate>',
      'failed logins of an address before further ones are slowed (OJS_FAILED_LOGINS; default 10/60s)',
    )
    .option(
      '--headers-timeout <duration>',
      'time limit for the headers of a request (OJS_HEADERS_TIMEOUT; default 10s)',
      millis,
    )
    .option('--request-timeout <duration>', 'time limit for a whole request (OJS_REQUEST_TIMEOUT; default 30s)', millis)
    .option(
      '--memory <MiB>',
      'memory that budgets are reckoned from (OJS_MEMORY; default: the heap limit of the process)',
      atLeastOne,
    )
    .option(
      '--close-timeout <duration>',
      'how long a shutdown waits for requests in progress (OJS_CLOSE_TIMEOUT; default 10s)',
      millis,
    )
    .option(
      '--retain-completed <duration>',
      'how long to keep completed jobs (OJS_RETAIN_COMPLETED; default 7d)',
      millis,
    )
    .option(
      '--retain-cancelled <duration>',
      'how long to keep cancelled jobs (OJS_RETAIN_CANCELLED; default 7d)',
      millis,
    )
    .option(
      '--retain-discarded <duration>',
      'how long to keep discarded jobs (OJS_RETAIN_DISCARDED; default 30d)',
      millis,
    )
    .option(
      '--retain-count <count>',
      'how many ended jobs of each state to keep (OJS_RETAIN_COUNT; default 1000000)',
      atLeastOne,
    )
    .option(
      '--retain-dead-letter <duration>',
      'how long to keep dead letters (OJS_RETAIN_DEAD_LETTER; default 180d)',
      millis,
    )
    .option(
      '--retain-dead-letter-count <count>',
      'how many dead letters to keep (OJS_RETAIN_DEAD_LETTER_COUNT; default 10000)',
      atLeastOne,
    )
    .option('--retain-events <duration>', 'how long to keep events (OJS_RETAIN_EVENTS; default 7d)', millis)
    .option(
      '--retain-events-count <count>',
      'how many events to keep (OJS_RETAIN_EVENTS_COUNT; default 1000000)',
      atLeastOne,
    )
    .option(
      '--retain-workflows <duration>',
      'how long to keep ended workflows (OJS_RETAIN_WORKFLOWS; default 7d)',
      millis,
    )
    .option(
      '--retain-workflows-count <count>',
      'how many ended workflows to keep (OJS_RETAIN_WORKFLOWS_COUNT; default 100000)',
      atLeastOne,
    )
    .option(
      '--retain-statistics <duration>',
      'how long to keep per-minute statistics (OJS_RETAIN_STATISTICS; default 7d)',
      millis,
    )
    .option(
      '--retain-audit <duration>',
      'how long to keep entries of the audit log (OJS_RETAIN_AUDIT; default 365d)',
      millis,
    )
    .option(
      '--retain-audit-count <count>',
      'how many entries of the audit log to keep (OJS_RETAIN_AUDIT_COUNT; default 100000)',
      atLeastOne,
    )
    .option(
      '--history-retention-days <count>',
      'days that events stay in the history of a job (OJS_HISTORY_RETENTION_DAYS; default 30)',
      atLeastOne,
    )
    .option(
      '--history-max-events-per-job <count>',
      'the most events in the history of a job (OJS_HISTORY_MAX_EVENTS_PER_JOB; default 1000)',
      atLeastOne,
    )
    .option(
      '--history-retention <rule>',
      'how long histories stay by queue, type and state, such as queue=mail,state=completed:7d; ' +
        'may be repeated (OJS_HISTORY_RETENTION)',
      collect,
    )
    .option(
      '--realtime-buffer <count>',
      'messages to buffer for a slow stream or WebSocket (OJS_REALTIME_BUFFER; default 1000)',
      atLeastOne,
    )
    .option(
      '--realtime-rate <count>',
      'messages per second on one connection, 0 for no limit (OJS_REALTIME_RATE; default 100)',
      atLeastZero,
    )
    .option(
      '--realtime-connections <count>',
      'streams and WebSockets per client (OJS_REALTIME_CONNECTIONS; default 100)',
      atLeastOne,
    )
    .option('--no-events', 'keep no event log (OJS_EVENTS=false)')
    .option('--no-history', 'answer the history of every job as empty (OJS_HISTORY_ENABLED=false)')
    .option('--no-quirks', 'do not adapt answers to known clients (OJS_QUIRKS=false)')
    .option('--no-store-check', 'do not look for damage in an SQLite file after the start (OJS_STORE_CHECK=false)')
    .option('--no-dashboard', 'do not serve the pages at /dashboard/ and /playground (OJS_DASHBOARD=false)')
    .option('--test-mode', 'enable what the official conformance cases need; loopback only (OJS_TEST_MODE)')
    .action(serve);
}

async function serve(flags: ServeFlags): Promise<void> {
  const { tlsCert, tlsKey, pausedQueues, requireLease, poisonAfter, maxQueues, deadAfter, visibilityTimeout } = flags;
  const options: ServerOptions = {
    ...(flags.storage !== undefined && { storage: flags.storage }),
    ...(flags.port !== undefined && { port: flags.port }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(flags.token !== undefined && { tokens: flags.token }),
    ...(flags.tokenFile !== undefined && { tokenFile: flags.tokenFile }),
    ...(flags.proxy !== undefined && { proxies: flags.proxy }),
    ...(flags.failedLogins !== undefined && { failedLogins: flags.failedLogins }),
    ...(flags.insecure !== undefined && { insecure: flags.insecure }),
    ...(flags.allowHost !== undefined && { allowedHosts: flags.allowHost }),
    ...(flags.allowOrigin !== undefined && { allowedOrigins: flags.allowOrigin }),
    ...((tlsCert !== undefined || tlsKey !== undefined) && { tls: { certFile: tlsCert ?? '', keyFile: tlsKey ?? '' } }),
    ...(flags.logLevel !== undefined && { log: flags.logLevel }),
    ...(flags.logJobs !== undefined && { logJobs: flags.logJobs }),
    ...(flags.accessLog && { accessLog: true }),
    ...(flags.testMode !== undefined && { testMode: flags.testMode }),
    ...(flags.requestRate !== undefined && { requestRate: flags.requestRate }),
    ...(!flags.dashboard && { dashboard: false }),
    ...(!flags.storeCheck && { storeCheck: false }),
    ...(!flags.events && { events: false }),
    ...(!flags.quirks && { quirks: false }),
    ...given({
      maxConnections: flags.maxConnections,
      maxConnectionsPerAddress: flags.maxConnectionsPerAddress,
      headersTimeoutMs: flags.headersTimeout,
      requestTimeoutMs: flags.requestTimeout,
      memoryMb: flags.memory,
      closeTimeoutMs: flags.closeTimeout,
    }),
    realtime: given({
      bufferSize: flags.realtimeBuffer,
      ratePerSecond: flags.realtimeRate,
      connectionsPerClient: flags.realtimeConnections,
    }),
    engine: {
      ...(pausedQueues !== undefined && { pausedQueues }),
      ...(requireLease !== undefined && { requireLease }),
      ...(poisonAfter !== undefined && { poisonAfter }),
      ...(maxQueues !== undefined && { maxQueues }),
      ...(deadAfter !== undefined && { deadAfterMs: deadAfter }),
      ...(visibilityTimeout !== undefined && { visibilityMs: visibilityTimeout }),
      retention: given({
        completedMs: flags.retainCompleted,
        cancelledMs: flags.retainCancelled,
        discardedMs: flags.retainDiscarded,
        keep: flags.retainCount,
        deadLetterMs: flags.retainDeadLetter,
        keepDeadLetters: flags.retainDeadLetterCount,
        eventsMs: flags.retainEvents,
        keepEvents: flags.retainEventsCount,
        workflowsMs: flags.retainWorkflows,
        keepWorkflows: flags.retainWorkflowsCount,
        statisticsMs: flags.retainStatistics,
        auditMs: flags.retainAudit,
        keepAudit: flags.retainAuditCount,
      }),
      history: {
        ...(!flags.history && { enabled: false }),
        ...given({ retentionDays: flags.historyRetentionDays, maxEventsPerJob: flags.historyMaxEventsPerJob }),
        ...(flags.historyRetention !== undefined && { rules: flags.historyRetention }),
      },
    },
  };
  await reporting('ojs serve', async () => {
    const { startServer } = await import('@ojs-ts/server');
    const { stdout, stderr } = process;
    const logTo = readableLog(({ message }) => message === 'listening');
    const readable = stdout.isTTY && stderr.isTTY && { logTo };
    const server = await startServer({ ...options, ...readable }).catch(failStart);
    // Whoever reads the line may send a signal at once.
    stopOnSignal(server);
    if (stdout.isTTY) say('ojs', announcement(server));
    else console.log(`ojs is listening on ${server.url}`);
  });
}

function announcement({ url, dashboard, storage }: RunningServer): string {
  return `dashboard  ${dashboard ?? 'off'}
API        ${url}
store      ${storage}
Ctrl+C stops the server. It answers the requests in progress first.`;
}

/** How long clients may go on with their open connections after SIGTERM. Milliseconds. */
const lingerMs = 2_000;

/** The first SIGTERM or SIGINT stops in good order, a second one at once. Ctrl+C waits for no idle client. */
function stopOnSignal(server: RunningServer): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(signal === 'SIGINT' ? 130 : 143);
    stopping = true;
    server.close({ lingerMs: signal === 'SIGTERM' ? lingerMs : 0 }).catch((error: unknown) => {
      console.error(`ojs serve: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

export function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('Expected a number from 0 to 65535.');
}

/** The members that were given. */
function given<Name extends string>(
  values: Readonly<Record<Name, number | undefined>>,
): { readonly [K in Name]?: number } {
  const members: { [K in Name]?: number } = {};
  for (const name in values) if (values[name] !== undefined) members[name] = values[name];
  return members;
}

function atLeastZero(text: string): number {
  return text === '0' ? 0 : atLeastOne(text);
}

function atLeastOne(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1 to 999999999.');
}

export function millis(text: string): number {
  const ms = readDuration(text);
  if (ms !== null && ms > 0) return ms;
  throw new InvalidArgumentError('Expected a duration such as 30s, 5m or PT30M.');
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
