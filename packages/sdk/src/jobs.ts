import { uuidv7 } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import { type Job, type JsonArray, jobIn, readJob } from './job.ts';
import type { CallOptions } from './options.ts';

export async function getJob<A extends JsonArray, R>(connection: Connection, jobId: string, options: CallOptions): Promise<Job<A, R>> {
  return readJob<A, R>(jobIn(await connection.call({ operation: 'job.get', params: { id: jobId } }, options, { jobId })));
}

export async function cancelJob<A extends JsonArray, R>(connection: Connection, jobId: string, options: CallOptions): Promise<Job<A, R>> {
  const body = await connection.call(
    { operation: 'job.cancel', params: { id: jobId }, idempotencyKey: uuidv7() },
    options,
    { jobId },
    {
      recover: async (error, call) =>
        error.statusCode === 409 && error.error.details.current_state === 'cancelled'
          ? call({ operation: 'job.get', params: { id: jobId } })
          : null,
    },
  );
  return readJob<A, R>(jobIn(body));
}
