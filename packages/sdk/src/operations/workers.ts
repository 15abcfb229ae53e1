import type { Answer, NamesOf } from '@ojs-ts/core';
import type { Answers, Worker } from '@ojs-ts/core/schemas';
import { type CallOptions, callNames } from '../job/options.ts';
import { compact, eachOf, numberOf, oneOf, parseWire, textOf, textsOf, type Wire } from '../json.ts';
import { type Camel, camel, type ItemOf } from './answer.ts';
import { adminQuery, type PageQuery } from './page.ts';
import { change, list, read, remove } from './row.ts';

/** A worker, as the server describes it. */
export interface WorkerRecord
  extends Partial<Pick<Camel<Worker>, 'lastHeartbeatAt' | 'lastFetchAt' | 'activeJobs' | 'load' | 'directive'>> {
  readonly workerId: string;
  /** False after its heartbeats have stopped. A worker without heartbeats counts as alive. */
  readonly alive: boolean;
  /** `running`, `quiet`, `terminate`, or another word that the worker has sent. */
  readonly state?: string;
  /** The load in the last heartbeat. A worker that only fetches reports none. */
  readonly load?: WorkerLoad;
  /** The worker's own description. `workerHealth` has none of it, nor the number of active jobs. */
  readonly hostname?: string;
  readonly queues?: readonly string[];
  readonly concurrency?: number;
  readonly version?: string;
}

/**
 * The share of its machine that a worker uses. A worker of another SDK may report a part of it. `rssBytes` is the
 * resident memory of its process, `heapUsedBytes` the JavaScript heap in use.
 */
export interface WorkerLoad extends Camel<NonNullable<Worker['load']>> {
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

type Held = ItemOf<'worker.get', 'jobs'>;
/** A job that a worker runs. */
export interface WorkerJob extends Camel<Held> {}

/** How to remove a worker. */
export interface RemoveWorkerOptions extends CallOptions {
  /**
   * Also removes a live worker. The worker keeps running its jobs until its next heartbeat, so another worker may run
   * the same jobs at the same time. Default: false.
   */
  force?: boolean | undefined;
}

const removeNames: NamesOf<RemoveWorkerOptions> = { ...callNames, force: true };

export const workerRows = {
  /** All workers that the server knows, by id. */
  listWorkers: () => (query: PageQuery) => list('worker.list', query, ['items'], readWorker, adminQuery(query)),
  /** The state of a worker. @throws {JobNotFoundError} for an unknown worker. */
  workerHealth: (workerId: string) =>
    read(
      { operation: 'worker.health', params: { id: workerId } },
      (body): WorkerRecord => {
        const { state, lastHeartbeatAt, lastFetchAt } = camel<Answers['worker.health']>(body);
        return compact({
          workerId,
          alive: body.status !== 'unhealthy',
          state: textOf(state),
          lastHeartbeatAt,
          lastFetchAt,
        });
      },
      { settings: { isAnswer: isReport } },
    ),
  /** A worker with the jobs that it runs (ojs-admin-api §9.2). @throws {JobNotFoundError} for an unknown worker. */
  getWorker: (workerId: string) =>
    read({ operation: 'worker.get', params: { id: workerId } }, (body): WorkerDetail => {
      return { ...readWorker({ ...body, id: workerId }), jobs: eachOf(body.jobs, (job) => camel<Held>(job, 'id')) };
    }),
  /**
   * Asks a worker to fetch no more jobs and to finish those that it has, with its next heartbeat (ojs-admin-api §9.3).
   * @throws {OJSAPIError} `conflict` for a worker that sends no heartbeats; {JobNotFoundError}
   */
  quietWorker: (workerId: string) => direct('worker.quiet', workerId),
  /** Asks a quiet worker to fetch again. @throws as {@link quietWorker}. */
  resumeWorker: (workerId: string) => direct('worker.resume', workerId),
  /** Asks a worker to finish its jobs and to stop. @throws as {@link quietWorker}. */
  stopWorker: (workerId: string) => direct('worker.stop', workerId),
  /**
   * Removes a worker that has missed its heartbeats (ojs-admin-api §9.4). Its jobs return to their queues at once.
   * @throws {OJSAPIError} `conflict` for a live worker without `force`; {JobNotFoundError}
   */
  removeWorker: {
    names: removeNames,
    make: (workerId: string, { force }: RemoveWorkerOptions) => {
      const query = force === true && { query: { force: 'true' } };
      return remove({ operation: 'worker.remove', params: { id: workerId }, ...query }, { workerId });
    },
  },
};

/** A worker describes itself with any JSON. */
function readWorker(item: unknown): WorkerRecord {
  const { id, state, lastHeartbeatAt, lastFetchAt, activeJobs, load, directive, ...own } = camel<Worker>(item, 'id');
  return compact({
    ...{ workerId: id, alive: state !== 'stale', state, lastHeartbeatAt, lastFetchAt, activeJobs, load, directive },
    hostname: textOf(own.hostname),
    queues: textsOf(own.queues),
    concurrency: numberOf(own.concurrency),
    version: textOf(own.version),
  });
}

const directiveOf = oneOf<WorkerDirective>('running', 'quiet', 'terminate');

/** Gives a worker an order, which it receives with its next heartbeat. */
function direct(operation: 'worker.quiet' | 'worker.resume' | 'worker.stop', workerId: string) {
  const reader = (body: Wire): WorkerTold => compact({ workerId, directive: directiveOf(body.directive) });
  return change({ operation, params: { id: workerId } }, reader);
}

/** A server reports a silent worker with status 503. */
function isReport({ status, text }: Answer): boolean {
  return status === 503 && typeof parseWire(text)?.worker_id === 'string';
}
