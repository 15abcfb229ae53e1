import { uuidv7 } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import { type Job, jobIn, readJob } from './job.ts';
import { listOf } from './json.ts';
import type { CallOptions } from './options.ts';
import { type Page, type PageOptions, readPage } from './page.ts';

export function listDeadLetterJobs(connection: Connection, options: PageOptions & { queue?: string }): Promise<Page<Job>> {
  const { queue, limit, offset, ...call } = options;
  return readPage(
    { limit, offset, cursor: undefined },
    (query) => connection.call({ operation: 'deadLetter.list', query: { ...query, queue } }, call, { queue }),
    (body) => listOf(body.jobs).map((raw) => readJob(raw)),
  );
}

export async function retryDeadLetterJob(connection: Connection, jobId: string, options: CallOptions): Promise<Job> {
  const body = await connection.call(
    { operation: 'deadLetter.retry', params: { id: jobId }, idempotencyKey: uuidv7() },
    options,
    { jobId },
    {
      // A server without idempotency keys no longer finds it in the dead letter; the job itself tells whether the first call took it out.
      recover: async (error, call) => {
        if (error.code !== 'not_found' && error.code !== 'conflict') return null;
        const found = await call({ operation: 'job.get', params: { id: jobId } });
        return readJob(jobIn(found)).state === 'discarded' ? null : found;
      },
    },
  );
  return readJob(jobIn(body));
}

export async function deleteDeadLetterJob(
  connection: Connection,
  jobId: string,
  options: CallOptions,
): Promise<{ deleted: boolean; jobId: string }> {
  const call = { operation: 'deadLetter.delete', params: { id: jobId }, idempotencyKey: uuidv7() } as const;
  const body = await connection.call(call, options, { jobId }, { recover: goneIsDone });
  return { deleted: body.deleted !== false, jobId };
}

/** What a repeated deletion no longer finds was deleted by its first attempt. */
export async function goneIsDone(error: { readonly code: string }): Promise<{ deleted: true } | null> {
  return error.code === 'not_found' ? { deleted: true } : null;
}
