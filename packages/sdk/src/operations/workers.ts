import { type Answer, type NamesOf, uuidv7 } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { goneIsDone } from '../connection/recovery.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import { compact, dateOf, eachOf, numberOf, oneOf, parseWire, textOf, textsOf, type Wire, wireOf } from '../json.ts';
import { adminQuery, type PageOf, type PageQuery, readPage } from './page.ts';

/** A worker, as the server describes it. */
export interface WorkerRecord {
  readonly workerId: string;
  /** False after its heartbeats have stopped. A worker without heartbeats counts as alive. */
  readonly alive: boolean;
  /** `running`, `quiet`, `terminate`, or another word that the worker has sent. */
  readonly state?: string;
  readonly lastHeartbeatAt?: Date;
  /** Only of a worker without heartbeats. */
  readonly lastFetchAt?: Date;
  /** The number of its active jobs. `workerHealth` does not have it, nor what follows. */
  readonly activeJobs?: number;
  /** The worker's own description. */
  readonly hostname?: string;
  readonly queues?: readonly string[];
  readonly concurrency?: number;
  readonly version?: string;
  /** The load in the last heartbeat. A worker that only fetches reports none. */
  readonly load?: WorkerLoad;
  /** The last order of an operator to the worker. */
  readonly directive?: WorkerDirective;
}

/** The share of its machine that a worker uses. A worker of another SDK may report a part of it. */
export interface WorkerLoad {
  /** Resident memory of its process. */
  readonly rssBytes?: number;
  /** JavaScript heap in use. */
  readonly heapUsedBytes?: number;
  /**
   * The longest delay of its event loop since the heartbeat before, by samples every 20 ms. While a handler blocks the
   * event loop: for how long so far. Milliseconds.
   */
  readonly eventLoopLagMs?: number;
}

/** An order that a worker receives with its next heartbeat. `quiet` fetches no more, `terminate` also stops. */
export type WorkerDirective = 'running' | 'quiet' | 'terminate';

/** The order that a worker received. */
export interface WorkerTold {
  readonly workerId: string;
  readonly directive?: WorkerDirective;
}

/** A worker with the jobs that it runs, at most 1,000 of them. */
export interface WorkerDetail extends WorkerRecord {
  readonly jobs: readonly WorkerJob[];
}

/** A job that a worker runs. */
export interface WorkerJob {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly attempt: number;
  readonly startedAt?: Date;
}

/** How to remove a worker. */
export interface RemoveWorkerOptions extends CallOptions {
  /**
   * Also removes a live worker. The worker keeps running its jobs until its next heartbeat, so another worker may run
   * the same jobs at the same time. Default: false.
   */
  force?: boolean | undefined;
}

export const removeWorkerNames: NamesOf<RemoveWorkerOptions> = { ...callNames, force: true };

export function* listWorkers(query: PageQuery): Operation<PageOf<WorkerRecord>> {
  const body = yield { call: { operation: 'worker.list', query: adminQuery(query) } };
  return readPage(body, query, eachOf(body.items, readWorker));
}

function readWorker(item: unknown): WorkerRecord | undefined {
  const raw = wireOf(item) ?? {};
  const workerId = textOf(raw.id);
  return workerId === undefined ? undefined : workerOf(workerId, raw);
}

function workerOf(workerId: string, raw: Wire): WorkerRecord {
  return compact({
    workerId,
    alive: raw.state !== 'stale',
    state: textOf(raw.state),
    lastHeartbeatAt: dateOf(raw.last_heartbeat_at),
    lastFetchAt: dateOf(raw.last_fetch_at),
    activeJobs: numberOf(raw.active_jobs),
    hostname: textOf(raw.hostname),
    queues: textsOf(raw.queues),
    concurrency: numberOf(raw.concurrency),
    version: textOf(raw.version),
    load: loadOf(wireOf(raw.load)),
    directive: directiveOf(raw.directive),
  });
}

function loadOf(raw: Wire | undefined): WorkerLoad | undefined {
  if (raw === undefined) return undefined;
  return compact({
    rssBytes: numberOf(raw.rss_bytes),
    heapUsedBytes: numberOf(raw.heap_used_bytes),
    eventLoopLagMs: numberOf(raw.event_loop_lag_ms),
  });
}

const directiveOf = oneOf<WorkerDirective>('running', 'quiet', 'terminate');

export function* getWorker(workerId: string): Operation<WorkerDetail> {
  const raw = yield { call: { operation: 'worker.get', params: { id: workerId } } };
  return { ...workerOf(workerId, raw), jobs: eachOf(raw.jobs, readWorkerJob) };
}

function readWorkerJob(item: unknown): WorkerJob | undefined {
  const raw = wireOf(item);
  const id = textOf(raw?.id);
  if (raw === undefined || id === undefined) return undefined;
  return compact({
    id,
    type: textOf(raw.type) ?? '',
    queue: textOf(raw.queue) ?? '',
    attempt: numberOf(raw.attempt) ?? 0,
    startedAt: dateOf(raw.started_at),
  });
}

/** Gives a worker an order, which it receives with its next heartbeat. */
export function* directWorker(
  operation: 'worker.quiet' | 'worker.resume' | 'worker.stop',
  workerId: string,
): Operation<WorkerTold> {
  const raw = yield { call: { operation, params: { id: workerId }, idempotencyKey: uuidv7() } };
  return compact({ workerId, directive: directiveOf(raw.directive) });
}

export function* workerHealth(workerId: string): Operation<WorkerRecord> {
  const body = yield {
    call: { operation: 'worker.health', params: { id: workerId } },
    settings: { isAnswer: isReport },
  };
  return compact({
    workerId,
    alive: body.status !== 'unhealthy',
    state: textOf(body.state),
    lastHeartbeatAt: dateOf(body.last_heartbeat_at),
    lastFetchAt: dateOf(body.last_fetch_at),
  });
}

/** A server reports a silent worker with status 503. */
function isReport({ status, text }: Answer): boolean {
  return status === 503 && typeof parseWire(text)?.worker_id === 'string';
}

export function* removeWorker(
  workerId: string,
  force: boolean | undefined,
): Operation<{ deleted: boolean; workerId: string }> {
  yield {
    call: {
      operation: 'worker.remove',
      params: { id: workerId },
      idempotencyKey: uuidv7(),
      ...(force === true && { query: { force: 'true' } }),
    },
    settings: { recover: goneIsDone },
  };
  return { deleted: true, workerId };
}
