import { uuidv7 } from '@ojs-ts/core';
import type { Recovery } from './attempts.ts';
import { type Job, jobIn, readJob } from './job.ts';
import { getCall } from './jobs.ts';
import { listOf } from './json.ts';
import type { Operation } from './operation.ts';
import { type PageOf, type PageQuery, readPage } from './page.ts';

export function* listDeadLetterJobs(queue: string | undefined, query: PageQuery): Operation<PageOf<Job>> {
  const body = yield { call: { operation: 'deadLetter.list', query: { ...query, queue } }, about: { queue } };
  return readPage(
    body,
    query,
    listOf(body.jobs).map((raw) => readJob(raw)),
  );
}

export function* retryDeadLetterJob(jobId: string): Operation<Job> {
  const body = yield {
    call: { operation: 'deadLetter.retry', params: { id: jobId }, idempotencyKey: uuidv7() },
    about: { jobId },
    settings: {
      // A server without idempotency keys no longer finds it in the dead letter; the job itself tells whether the first call took it out.
      recover: ({ code }) =>
        code === 'not_found' || code === 'conflict'
          ? { calls: [getCall(jobId)], body: ([job]) => (job === undefined || readJob(jobIn(job)).state === 'discarded' ? null : job) }
          : null,
    },
  };
  return readJob(jobIn(body));
}

export function* deleteDeadLetterJob(jobId: string): Operation<{ deleted: boolean; jobId: string }> {
  const call = { operation: 'deadLetter.delete', params: { id: jobId }, idempotencyKey: uuidv7() } as const;
  const body = yield { call, about: { jobId }, settings: { recover: goneIsDone } };
  return { deleted: body.deleted !== false, jobId };
}

/** What a repeated deletion no longer finds was deleted by its first attempt. */
export function goneIsDone(error: { readonly code: string }): Recovery | null {
  return error.code === 'not_found' ? { calls: [], body: () => ({ deleted: true }) } : null;
}
