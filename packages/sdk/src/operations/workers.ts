import { type Answer, uuidv7 } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { goneIsDone } from '../connection/recovery.ts';
import { compact, dateOf, eachOf, numberOf, parseWire, textOf, wireOf } from '../json.ts';
import { type PageOf, type PageQuery, readPage } from './page.ts';

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
  /** The number of its active jobs; only in lists. */
  readonly activeJobs?: number;
}

export function* listWorkers(query: PageQuery): Operation<PageOf<WorkerRecord>> {
  const body = yield { call: { operation: 'worker.list', query: { ...query } } };
  return readPage(body, query, eachOf(body.items, readWorker));
}

function readWorker(item: unknown): WorkerRecord | undefined {
  const { id, state, last_heartbeat_at, last_fetch_at, active_jobs } = wireOf(item) ?? {};
  const workerId = textOf(id);
  if (workerId === undefined) return undefined;
  return compact({
    workerId,
    alive: state !== 'stale',
    state: textOf(state),
    lastHeartbeatAt: dateOf(last_heartbeat_at),
    lastFetchAt: dateOf(last_fetch_at),
    activeJobs: numberOf(active_jobs),
  });
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

export function* removeWorker(workerId: string): Operation<{ deleted: boolean; workerId: string }> {
  yield {
    call: { operation: 'worker.remove', params: { id: workerId }, idempotencyKey: uuidv7() },
    settings: { recover: goneIsDone },
  };
  return { deleted: true, workerId };
}
