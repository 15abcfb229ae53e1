import type { Call } from '@ojs-ts/core';
import type { CallSettings } from '../attempts.ts';
import type { WireRequest } from '../draft.ts';
import type { ErrorContext } from '../errors.ts';
import type { Operation } from '../operation.ts';
import type { JobRequest } from '../options.ts';
import { readSent, type Sent } from './sent.ts';

/** PUSH of one job (ojs-http-binding §7.1). The id is the client's and the key is the id: a repeated request never makes a second job. */
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

/** One request of its own. */
export function* enqueueOne(request: WireRequest): Operation<Sent> {
  return readSent(yield { call: singleCall(request), about: contextOf(request), settings: singleSettings(request) });
}
