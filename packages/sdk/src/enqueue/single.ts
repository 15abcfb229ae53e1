import type { Call } from '@ojs-ts/core';
import { asFound, type CallSettings } from '../attempts.ts';
import type { WireRequest } from '../draft.ts';
import type { ErrorContext, OJSAPIError } from '../errors.ts';
import { getCall } from '../jobs.ts';
import { textOf } from '../json.ts';
import type { Operation } from '../operation.ts';
import type { JobRequest } from '../options.ts';
import { readSent, type Sent } from './sent.ts';

/** PUSH of one job (ojs-http-binding §7.1). The id is the client's and the key is the id: a repeated request never makes a second job. */
export function singleCall(request: WireRequest): Call {
  return { operation: 'job.enqueue', body: request.text, idempotencyKey: request.id };
}

/** @param uncertain whether an earlier request may have made the job already. */
export function singleSettings(request: WireRequest, uncertain = false): CallSettings {
  return {
    uncertain,
    recover: (error) => (isOwn(error, [request]) ? asFound(getCall(request.id)) : null),
  };
}

export function contextOf(request: Pick<JobRequest, 'id' | 'queue'>): ErrorContext {
  return { jobId: request.id, queue: request.queue, operation: 'job.enqueue' };
}

/** One request of its own. */
export function* enqueueOne(request: WireRequest): Operation<Sent> {
  return readSent(yield { call: singleCall(request), about: contextOf(request), settings: singleSettings(request) });
}

/** Whether the job that is in the way is the one that an earlier attempt of the same call made. */
export function isOwn(error: OJSAPIError, requests: readonly WireRequest[]): boolean {
  const existing = textOf(error.error.details.existing_job_id);
  return error.code === 'duplicate' && requests.some(({ id }) => id === existing);
}
