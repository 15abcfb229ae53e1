import type { Operation } from '../../connection/operation.ts';
import { goneIsDone } from '../../connection/recovery.ts';
import { compact, dateOf, numberOf, type Wire, wireOf } from '../../json.ts';

/** The state that an execution saved for the next one. */
export interface Checkpoint {
  readonly jobId: string;
  readonly state: unknown;
  /** From 1; every save adds 1. */
  readonly sequence: number;
  readonly createdAt?: Date;
}

export function* getCheckpoint(jobId: string): Operation<Checkpoint> {
  const body: Wire = yield { call: { operation: 'job.checkpoint', params: { id: jobId } }, about: { jobId } };
  const raw = wireOf(body.checkpoint) ?? body;
  return {
    jobId,
    state: raw.state,
    ...compact({ sequence: numberOf(raw.sequence) ?? 0, createdAt: dateOf(raw.created_at) }),
  };
}

export function* deleteCheckpoint(jobId: string): Operation<{ deleted: boolean; jobId: string }> {
  yield {
    call: { operation: 'job.deleteCheckpoint', params: { id: jobId } },
    about: { jobId },
    settings: { recover: goneIsDone },
  };
  return { deleted: true, jobId };
}
