import { type Call, isObject, parseTimestamp } from '@ojs-ts/core';
import type { CallSettings } from '../connection/attempts.ts';
import type { Operation } from '../connection/operation.ts';
import type { ErrorContext } from '../errors.ts';
import type { JobRequest } from '../job/definition.ts';
import type { EnqueueOutcome } from '../job/handle.ts';
import type { Job } from '../job/job.ts';
import type { NewJob } from '../job/new-job.ts';
import { readJob } from '../job/read-job.ts';
import { startingFrom, type WireRequest } from '../job/wire.ts';
import { textOf, type Wire, wireOf } from '../json.ts';

/**
 * Enqueues one job (PUSH, ojs-http-binding §7.1). The client makes the id, which is the idempotency key too: a retry
 * never makes a second job.
 */
export function singleCall(request: WireRequest): Call {
  return { operation: 'job.enqueue', body: request.text, idempotencyKey: request.id };
}

/** @param uncertain whether an earlier request may have made the job already. */
export function singleSettings(request: WireRequest, uncertain = false): CallSettings {
  return { uncertain, jobId: request.id };
}

export function contextOf(request: Pick<JobRequest, 'id' | 'queue'>): ErrorContext {
  return { jobId: request.id, queue: request.queue, operation: 'job.enqueue' };
}

/** Enqueues one job in a request of its own. */
export function* enqueueOne(request: WireRequest): Operation<Sent> {
  return readSent(yield { call: singleCall(request), about: contextOf(request), settings: singleSettings(request) });
}

/** The job of a request, and the outcome. */
export interface Sent {
  readonly job: Job | NewJob;
  readonly outcome: Exclude<EnqueueOutcome, 'dropped'>;
}

/** Reads the answer to a single enqueue. */
export function readSent(body: Wire): Sent {
  return { job: readJob(body.job ?? body), outcome: outcomeOf(body) };
}

/**
 * `deduplicated` and `updated` are about a job that existed (ojs-unique-jobs §5.4); `replaced` is about a new job that
 * replaced it.
 */
export function outcomeOf(body: Wire): Sent['outcome'] {
  if (body.deduplicated === true) return body.updated === true ? 'replaced' : 'duplicate';
  return Array.isArray(body.replaced) && body.replaced.length > 0 ? 'replaced' : 'created';
}

/** The job of a bulk answer with only id, type and state. The other fields come from the request. */
export function filledIn(request: WireRequest, summary: Wire): Job {
  return readJob({ ...sentEnvelope(request), ...summary });
}

/** The request as an envelope. */
export function sentEnvelope(request: WireRequest): Wire {
  const body: unknown = JSON.parse(startingFrom(request, Date.now()).text);
  if (!isObject(body)) return {};
  const { options, ...rest } = body;
  const { delay_until: scheduledAt, ...own } = wireOf(options) ?? {};
  return {
    queue: request.queue,
    ...rest,
    ...own,
    ...(textOf(scheduledAt) !== undefined && { scheduled_at: scheduledAt }),
    attempt: 0,
  };
}

/**
 * Reads when the server made the jobs that an answer leaves out because they were kept as sent, in milliseconds. Null
 * if it leaves out any other number of jobs.
 */
export function asSentFrom(body: Wire, leftOut: number): number | null {
  const createdAt = textOf(body.created_at);
  return leftOut > 0 && body.created === leftOut && createdAt !== undefined ? parseTimestamp(createdAt) : null;
}
