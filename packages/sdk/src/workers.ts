import { type Answer, uuidv7 } from '@ojs-ts/core';
import { goneIsDone } from './dead-letter.ts';
import { compact, dateOf, parseWire, textOf } from './json.ts';
import type { Operation } from './operation.ts';

/** A worker as the server knows it. */
export interface WorkerRecord {
  readonly workerId: string;
  /** Whether its last heartbeat is recent. */
  readonly alive: boolean;
  /** `running`, `quiet`, `terminate`, or the word that the worker used itself. */
  readonly state?: string;
  readonly lastHeartbeatAt?: Date;
}

export function* workerHealth(workerId: string): Operation<WorkerRecord> {
  const body = yield { call: { operation: 'worker.health', params: { id: workerId } }, settings: { isAnswer: isReport } };
  return compact({
    workerId,
    alive: body.status === 'ok',
    state: textOf(body.state),
    lastHeartbeatAt: dateOf(body.last_heartbeat_at),
  });
}

/** A worker that is silent for too long is told with 503. */
function isReport({ status, text }: Answer): boolean {
  return status === 503 && typeof parseWire(text)?.worker_id === 'string';
}

export function* removeWorker(workerId: string): Operation<{ deleted: boolean; workerId: string }> {
  const body = JSON.stringify({ worker_id: workerId });
  yield { call: { operation: 'worker.deregister', body, idempotencyKey: uuidv7() }, settings: { recover: goneIsDone } };
  return { deleted: true, workerId };
}
