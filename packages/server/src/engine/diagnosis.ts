import { formatDuration, formatTimestamp, isObject } from '@ojs-ts/core';
import { queueLimitKey, State } from '@ojs-ts/core/job';
import { unhandledCode } from '@ojs-ts/core/lifecycle';
import { depthOf } from '@ojs-ts/core/requests';
import type { StoreFinding, StoreFindingCode } from '../storage/diagnosis.ts';
import type { LimitRecord, QueueRecord } from '../storage/storage.ts';
import type { Parts } from './engine.ts';
import { holdersOf, isFull } from './jobs/explain.ts';
import { readConfig } from './queues/queue-settings.ts';
import { descriptionOf, healthOf, type KnownWorker } from './workers/workers.ts';

type Engine = Parts<
  | 'clock'
  | 'crons'
  | 'maintenance'
  | 'queues'
  | 'retentionBacklog'
  | 'settings'
  | 'storage'
  | 'storeHealth'
  | 'tokens'
  | 'upkeep'
  | 'workers'
>;

export type FindingCode =
  | StoreFindingCode
  | 'store_refuses'
  | 'damaged'
  | 'clock'
  | 'overdue_jobs'
  | 'unread_queue'
  | 'unhandled_type'
  | 'paused_queue'
  | 'full_queue'
  | 'closed_limit'
  | 'stuck_limit'
  | 'dead_worker'
  | 'blocked_worker'
  | 'mixed_versions'
  | 'late_cron'
  | 'maintenance'
  | 'ended_cron'
  | 'token_ends'
  | 'waiting_inbox'
  | 'late_retention';

/** A problem that an operator should fix. */
export type Finding = Omit<StoreFinding, 'code'> & { readonly code: FindingCode };

/** Clocks that differ by less than this are right enough, in milliseconds. */
const clockMs = 1_000;
/** Upkeep takes a lease back within a second of its end. */
const lateMs = 60_000;
const dayMs = 86_400_000;
/** The most findings of one kind; the last one says how many more there are. */
const most = 10;
const fullAt = 0.9;
const limitsAtOnce = 500;
const errorGroups = 100;
const manyLimits = 10_000;
const manyWaiting = 10_000;
/** Active jobs that are read for the limits that are full. */
const manyHolders = 1_000;
const holderBytes = 4_194_304;
/** A slot that is held for less time may be that of a busy worker. */
const longMs = 600_000;
/** A handler that blocks its event loop for this long may never end. */
const blockedMs = 30_000;

/**
 * Lists problems that exist or will come soon, the worst first. Reads counts and settings, and a few jobs; never all of
 * them.
 */
export async function diagnose(engine: Engine): Promise<readonly Finding[]> {
  const { storage } = engine;
  const [ofStore, queues, workers] = await Promise.all([
    storage.diagnose(),
    engine.queues.queues(),
    engine.workers.list(),
  ]);
  const parts = await Promise.all([
    ofHealth(engine),
    overdueJobs(engine),
    unhandledTypes(engine),
    capped(queues.flatMap((queue) => ofQueue(queue, workers, engine))),
    closedLimits(engine, new Set(queues.filter(isClosed).map(({ name }) => queueLimitKey(name)))),
    capped(ofWorkers(workers, engine)),
    ofCrons(engine),
    endingTokens(engine),
    waitingInbox(engine),
    maintenanceMode(engine),
    lateRetention(engine),
  ]);
  return [...ofStore, ...parts.flat()].sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'));
}

async function ofHealth({ storage, storeHealth, clock }: Engine): Promise<readonly Finding[]> {
  const { writes, file, clock: behind } = storeHealth;
  const findings: Finding[] = [];
  if (writes.status === 'fail')
    findings.push(
      error(
        'store_refuses',
        `The storage refuses writes: ${writes.message}`,
        'Fix the cause in the message: often a full disk or a read-only replica. The server notices within 10 s.',
      ),
    );
  if (file.status === 'fail')
    findings.push(
      error(
        'damaged',
        `The database file is damaged: ${file.message}`,
        'Stop the servers, keep a copy of the file, and restore the newest backup: ' +
          'ojs restore BACKUP --storage sqlite:NEW_FILE',
      ),
    );
  if (behind.status === 'fail')
    findings.push(error('clock', behind.message ?? '', 'Turn on NTP on this machine: timedatectl set-ntp true'));
  const asked = Date.now();
  const ahead = (await storage.clock()) - (asked + Date.now()) / 2;
  if (Math.abs(ahead) > clockMs)
    findings.push(
      warning(
        'clock',
        `The clock of the storage is ${Math.abs(Math.round(ahead))} ms ${ahead > 0 ? 'ahead of' : 'behind'} that of ` +
          `this machine, ${formatTimestamp(clock.now())}.`,
        'Turn on NTP on both machines (timedatectl set-ntp true). Jobs follow the clock of the storage.',
      ),
    );
  return findings;
}

async function overdueJobs({ storage, clock }: Engine): Promise<readonly Finding[]> {
  const late = await storage.upkeep.overdue(clock.now() - lateMs, most);
  const [first] = late;
  if (first === undefined) return [];
  const count = late.length < most ? `${late.length} jobs are` : `${most} jobs or more are`;
  return [
    error(
      'overdue_jobs',
      `${count} more than a minute late to be returned or to expire, such as ${first.id}: no server does the upkeep.`,
      'Start a server on this storage, and look for "upkeep failed" in its log.',
    ),
  ];
}

/** Among the most frequent errors of jobs that wait for another attempt. */
async function unhandledTypes({ storage }: Engine): Promise<readonly Finding[]> {
  const { groups } = await storage.jobs.errors({ states: State.retryable, limit: errorGroups });
  return capped(
    groups
      .filter(({ type }) => type === unhandledCode)
      .map(({ count, message }) =>
        warning(
          'unhandled_type',
          `${jobsWait(count)} for a worker with a handler. ${message}`,
          'Start a worker that registers the type, or correct the type in the client.',
        ),
      ),
  );
}

function jobsWait(count: number): string {
  return count === 1 ? '1 job waits' : `${count} jobs wait`;
}

function ofQueue(queue: QueueRecord, workers: readonly KnownWorker[], engine: Engine): readonly Finding[] {
  const waiting = queue.counts[State.available] ?? 0;
  const findings: Finding[] = [];
  if (queue.paused && waiting > 0)
    findings.push(
      warning(
        'paused_queue',
        `The queue ${queue.name} is paused, and ${jobsWait(waiting)} in it.`,
        `ojs queues resume ${queue.name}`,
      ),
    );
  const readers = workers.filter((worker) => queuesOf(worker).includes(queue.name));
  const alive = readers.filter(
    (worker) => healthOf(worker, engine.clock.now(), engine.upkeep.since, engine.settings.deadAfterMs) === 'ok',
  );
  if (waiting > 0 && alive.every(({ state }) => state !== 'running'))
    findings.push(
      warning(
        'unread_queue',
        `${jobsWait(waiting)} in the queue ${queue.name}, ` +
          `which no running worker reads${alive.length > 0 ? `; ${alive.length} are quiet` : ''}.`,
        `Start a worker with queues: ['${queue.name}'], or correct the queue name in the client or the worker.`,
      ),
    );
  const { maxDepth, strategy } = readConfig(queue.config);
  if (maxDepth !== undefined && strategy !== 'warn' && depthOf(queue) > maxDepth * fullAt)
    findings.push(
      warning(
        'full_queue',
        `The queue ${queue.name} holds ${depthOf(queue)} jobs of at ` +
          `most ${maxDepth}; when it is full, the server refuses new ones.`,
        `Start more workers, or raise the bound: ojs queues configure ${queue.name} --max-depth ${2 * maxDepth}`,
      ),
    );
  if (isClosed(queue))
    findings.push(
      warning(
        'closed_limit',
        `The queue ${queue.name} has a concurrency of 0, and ${jobsWait(waiting)}.`,
        `ojs queues configure ${queue.name} --concurrency none`,
      ),
    );
  return findings;
}

/**
 * Limits that let nothing start, and those whose slots have been held for long, by key.
 * @param found keys of limits that are findings about their queues.
 */
async function closedLimits({ storage, clock }: Engine, found: ReadonlySet<string>): Promise<readonly Finding[]> {
  const closed: Finding[] = [];
  const full: LimitRecord[] = [];
  let after: string | undefined;
  for (let read = 0; read < manyLimits && closed.length <= most; read += limitsAtOnce) {
    const page = await storage.registry.limits({ limit: limitsAtOnce, ...(after !== undefined && { after }) });
    for (const limit of page.items) {
      if (limit.waiting > 0 && isFull(limit)) full.push(limit);
      if (neverOpens(limit) && !found.has(limit.key))
        closed.push(
          warning(
            'closed_limit',
            `The limit ${limit.key} lets no job start, and ${jobsWait(limit.waiting)}.`,
            `ojs limits restore ${limit.key}, or ojs limits override ${limit.key} --concurrency N`,
          ),
        );
    }
    if (page.next === null) break;
    after = page.next;
  }
  return [...capped(closed), ...capped(await stuckLimits({ storage, clock }, full))];
}

/** Full limits before which jobs wait, where no holder is younger than ten minutes. */
async function stuckLimits(
  { storage, clock }: Pick<Engine, 'storage' | 'clock'>,
  full: readonly LimitRecord[],
): Promise<readonly Finding[]> {
  if (full.length === 0) return [];
  const { items } = await storage.jobs.list({ states: State.active, limit: manyHolders, maxBytes: holderBytes });
  return full.flatMap((limit) => {
    const since = holdersOf(limit, items).flatMap((holder) => holder.since ?? []);
    // A limit with holders that were not read gets no finding.
    if (since.length < limit.active) return [];
    const newest = Math.max(...since);
    if (newest > clock.now() - longMs) return [];
    const slots = limit.active === 1 ? 'its only slot is' : `its ${limit.active} slots are all`;
    return [
      warning(
        'stuck_limit',
        `The limit ${limit.key} is full: ${slots} held since ${formatTimestamp(newest)} or longer, ` +
          `and ${jobsWait(limit.waiting)}.`,
        `ojs limits show ${limit.key} lists the holders; ojs limits free ${limit.key} gives their jobs back.`,
      ),
    ];
  });
}

/** Reports whether its configuration closes the queue. */
function isClosed({ config, counts }: QueueRecord): boolean {
  return readConfig(config).concurrency === 0 && (counts[State.available] ?? 0) > 0;
}

function neverOpens({ own, override, waiting }: LimitRecord): boolean {
  const { concurrency, rates } = override ?? own;
  return waiting > 0 && (concurrency === 0 || rates.some(({ count }) => count === 0));
}

function ofWorkers(workers: readonly KnownWorker[], engine: Engine): readonly Finding[] {
  const health = (worker: KnownWorker) =>
    healthOf(worker, engine.clock.now(), engine.upkeep.since, engine.settings.deadAfterMs);
  const dead = workers.filter((worker) => health(worker) === 'unhealthy');
  const findings = dead.map(({ worker, beatAt }) =>
    warning(
      'dead_worker',
      `The worker ${worker} has sent nothing since ${beatAt === null ? 'its start' : formatTimestamp(beatAt)}; ` +
        'its jobs are available again.',
      `If it does not come back: ojs workers remove ${worker}`,
    ),
  );
  for (const worker of workers) {
    const { load } = descriptionOf(worker);
    const lag = isObject(load) ? load.event_loop_lag_ms : null;
    if (typeof lag !== 'number' || lag < blockedMs || health(worker) !== 'ok') continue;
    findings.push(
      warning(
        'blocked_worker',
        `The event loop of the worker ${worker.worker} has been blocked for ${Math.round(lag / 1_000)} s: ` +
          'none of its jobs makes progress.',
        `Give its jobs to other workers, then end its process: ojs workers remove ${worker.worker} --force`,
      ),
    );
  }
  const versions = new Set(
    workers
      .filter((worker) => health(worker) === 'ok')
      .flatMap((worker) => {
        const { version } = descriptionOf(worker);
        return typeof version === 'string' ? [version] : [];
      }),
  );
  if (versions.size > 1)
    findings.push(
      warning(
        'mixed_versions',
        `Workers of several versions run: ${[...versions].sort().join(', ')}.`,
        'Nothing to do during a deployment. Otherwise restart the older workers; ojs workers list shows the versions.',
      ),
    );
  return findings;
}

/** The mode is meant to end: an operator who forgot it sees a store in which nothing runs. */
async function maintenanceMode({ maintenance }: Engine): Promise<readonly Finding[]> {
  const mode = await maintenance.read();
  if (mode === null) return [];
  const why = mode.reason === null ? '' : ` (${mode.reason})`;
  return [
    warning(
      'maintenance',
      `Maintenance mode is on since ${formatTimestamp(mode.enabledAt)}${why}: no job starts.`,
      'ojs maintenance off',
    ),
  ];
}

async function ofCrons({ crons, clock, maintenance }: Engine): Promise<readonly Finding[]> {
  const now = clock.now();
  return capped(
    (await crons.list()).flatMap(({ name, enabled, dueAt }) => {
      if (!enabled) return [];
      if (dueAt === null)
        return [
          warning(
            'ended_cron',
            `The cron job ${name} has no further run.`,
            `Correct its expression with ojs cron change ${name} ` +
              `--cron EXPRESSION, or remove it: ojs cron remove ${name}`,
          ),
        ];
      // In maintenance mode no cron fires.
      if (dueAt > now - lateMs || maintenance.on) return [];
      return [
        error(
          'late_cron',
          `The cron job ${name} was due at ${formatTimestamp(dueAt)}: no server does the upkeep.`,
          'Start a server on this storage, and look for "upkeep failed" in its log.',
        ),
      ];
    }),
  );
}

async function endingTokens({ tokens, clock }: Engine): Promise<readonly Finding[]> {
  const now = clock.now();
  return capped(
    (await tokens.list()).flatMap(({ id, name, roles, expiresAt, revokedAt }) => {
      if (revokedAt !== null || expiresAt === null || expiresAt <= now || expiresAt > now + 7 * dayMs) return [];
      return [
        warning(
          'token_ends',
          `The token ${id} (${name}) expires at ${formatTimestamp(expiresAt)}.`,
          `Create another token and give it to the holder: ojs tokens ` +
            `create ${name} ${roles.map((role) => `--role ${role}`).join(' ')}`,
        ),
      ];
    }),
  );
}

async function lateRetention({ retentionBacklog }: Engine): Promise<readonly Finding[]> {
  const backlog = await retentionBacklog.read();
  if (backlog === null) return [];
  const { since, kinds, jobs, lateMs } = backlog;
  const facts = [
    ...(jobs > 0 ? [`${jobs} finished jobs more than are kept`] : []),
    ...(lateMs > 0 ? [`the oldest should have been deleted ${formatDuration(lateMs)} ago`] : []),
  ];
  return [
    warning(
      'late_retention',
      `Since ${formatTimestamp(since)} retention has deleted less than the storage receives ` +
        `(${kinds.join(', ')})${facts.length > 0 ? `: ${facts.join(', ')}` : ''}.`,
      'The storage is too slow for this load: give it faster disks or more memory, or spread the load over time.',
    ),
  ];
}

async function waitingInbox({ storage }: Engine): Promise<readonly Finding[]> {
  const depth = (await storage.inbox?.depth()) ?? 0;
  if (depth <= manyWaiting) return [];
  return [
    warning(
      'waiting_inbox',
      `${depth} rows that users wrote in their transactions wait for their import.`,
      'Start a server on this storage: ojs serve --storage URL',
    ),
  ];
}

function queuesOf(worker: KnownWorker): readonly unknown[] {
  const { queues } = descriptionOf(worker);
  return Array.isArray(queues) ? queues : [];
}

function capped(findings: readonly Finding[]): readonly Finding[] {
  const shown = findings.slice(0, most);
  const last = shown.at(-1);
  if (last === undefined || findings.length <= most) return findings;
  return [
    ...shown.slice(0, -1),
    { ...last, message: `${last.message} There are ${findings.length - most} more of this kind.` },
  ];
}

function error(code: FindingCode, message: string, remedy: string): Finding {
  return { code, severity: 'error', message, remedy };
}

function warning(code: FindingCode, message: string, remedy: string): Finding {
  return { code, severity: 'warning', message, remedy };
}
