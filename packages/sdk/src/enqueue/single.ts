import type { Call } from '@ojs-ts/core';
import type { CallSettings, Connection } from '../connection.ts';
import type { ErrorContext, OJSAPIError } from '../errors.ts';
import { textOf, type Wire } from '../json.ts';
import type { JobRequest, WireRequest } from '../options.ts';

/** PUSH of one job (ojs-http-binding §7.1). The id is the client's and the key is the id: a repeated request never makes a second job. */
export function singleCall(request: WireRequest): Call {
  return { operation: 'job.enqueue', body: request.text, idempotencyKey: request.id };
}

/** @param uncertain whether an earlier request may have made the job already. */
export function singleSettings(request: WireRequest, uncertain = false): CallSettings {
  return {
    uncertain,
    recover: (error, call) => (isOwn(error, [request]) ? call(getCall(request.id)) : none),
  };
}

export function contextOf(request: Pick<JobRequest, 'id' | 'queue'>): ErrorContext {
  return { jobId: request.id, queue: request.queue, operation: 'job.enqueue' };
}

/** PUSH of several, all or none (ojs-http-binding §9). */
export async function sendBatch(
  connection: Connection,
  requests: readonly [WireRequest, ...WireRequest[]],
  options: Parameters<Connection['call']>[1],
): Promise<Wire> {
  const body = `{"jobs":[${requests.map(({ text }) => text).join(',')}]}`;
  return connection.call(
    { operation: 'job.enqueueBatch', body, idempotencyKey: requests[0].id },
    options,
    {},
    {
      recover: async (error, call) =>
        isOwn(error, requests) ? { jobs: await Promise.all(requests.map(({ id }) => call(getCall(id)))) } : null,
    },
  );
}

export function getCall(id: string): Call {
  return { operation: 'job.get', params: { id } };
}

const none = Promise.resolve(null);

/** Whether the job that is in the way is the one that an earlier attempt of the same call made. */
function isOwn(error: OJSAPIError, requests: readonly WireRequest[]): boolean {
  const existing = textOf(error.error.details.existing_job_id);
  return error.code === 'duplicate' && requests.some(({ id }) => id === existing);
}
