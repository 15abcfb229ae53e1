import { type Call, uuidv7 } from '@ojs-ts/core';
import type { Recovery } from './attempts.ts';
import { type Job, type JobProgress, type JsonArray, jobIn, readJob, readProgress } from './job.ts';
import type { Operation } from './operation.ts';

export function getCall(jobId: string): Call {
  return { operation: 'job.get', params: { id: jobId } };
}

/** The body is what this call finds. */
export function asFound(call: Call): Recovery {
  return { calls: [call], body: ([found]) => found ?? null };
}

export function* getJob<A extends JsonArray, R>(jobId: string): Operation<Job<A, R>> {
  return readJob<A, R>(jobIn(yield { call: getCall(jobId), about: { jobId } }));
}

export function* cancelJob<A extends JsonArray, R>(jobId: string): Operation<Job<A, R>> {
  const body = yield {
    call: { operation: 'job.cancel', params: { id: jobId }, idempotencyKey: uuidv7() },
    about: { jobId },
    settings: {
      recover: ({ statusCode, error }) =>
        statusCode === 409 && error.details.current_state === 'cancelled' ? asFound(getCall(jobId)) : null,
    },
  };
  return readJob<A, R>(jobIn(body));
}

export function* activateJob(jobId: string): Operation<Job> {
  const body = yield {
    call: { operation: 'job.activate', params: { id: jobId }, idempotencyKey: uuidv7() },
    about: { jobId },
    // A server without idempotency keys no longer finds it pending.
    settings: { recover: ({ statusCode }) => (statusCode === 409 ? asFound(getCall(jobId)) : null) },
  };
  return readJob(jobIn(body));
}

/** null where nothing was reported. */
export function* getProgress(jobId: string): Operation<JobProgress | null> {
  return readProgress(yield { call: { operation: 'job.progress', params: { id: jobId } }, about: { jobId } }) ?? null;
}
