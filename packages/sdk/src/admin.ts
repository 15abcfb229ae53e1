import { type Transport, uuidv7 } from '@ojs-ts/core';
import { itemError } from './api-error.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { OJSError } from './errors.ts';
import { type Job, type JobState, jobIn, readJob } from './job.ts';
import { cancelJob, getJob } from './jobs.ts';
import { isWire, listOf } from './json.ts';
import type { CallOptions } from './options.ts';
import { type Page, type PageOptions, readPage } from './page.ts';
import { listQueues, onQueue, type Queue, type QueueStats, readQueue, readQueueStats } from './queue.ts';

export interface JobListOptions extends PageOptions {
  queue?: string;
  state?: JobState;
  /** Exact, or with a `*` at its end. */
  type?: string;
}

/** Looks after queues and jobs, apart from who makes them and who works on them (ojs-sdk-guidelines §5.3). Its token needs the scope `admin`. */
export class Admin implements AsyncDisposable {
  readonly #connection: Connection;

  /**
   * @param target as for {@link Client}.
   * @throws {OJSValidationError} for a target, an option or a variable of the environment that cannot be used.
   */
  constructor(target?: string | Transport, options: ConnectionOptions = {}) {
    this.#connection = new Connection(target, options);
  }

  async listQueues(options: CallOptions = {}): Promise<Queue[]> {
    return listQueues(this.#connection, options);
  }

  async queueStats(queueName: string, options: CallOptions = {}): Promise<QueueStats> {
    return readQueueStats(await onQueue(this.#connection, 'queue.stats', queueName, options));
  }

  async pauseQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return readQueue(await onQueue(this.#connection, 'queue.pause', queueName, options));
  }

  async resumeQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return readQueue(await onQueue(this.#connection, 'queue.resume', queueName, options));
  }

  async getJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return getJob(this.#connection, jobId, options);
  }

  /** Unfinished ones first, newest first. Iterating goes on over the following pages. */
  async listJobs(options: JobListOptions = {}): Promise<Page<Job>> {
    const { queue, state, type, limit, offset, ...call } = options;
    return readPage(
      { limit, offset, cursor: undefined },
      (query) => this.#connection.call({ operation: 'job.list', query: { ...query, queue, state, type } }, call, { queue }),
      (body) => listOf(body.jobs ?? body.items).map((raw) => readJob(raw)),
    );
  }

  /** A discarded job begins anew with attempt 0, a retryable one does not wait any longer. @throws {OJSAPIError} `conflict` for any other. */
  async retryJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    const body = JSON.stringify({ job_ids: [jobId] });
    const answer = await this.#connection.call(
      { operation: 'bulk.retry', body, idempotencyKey: uuidv7() },
      options,
      { jobId },
      { isAnswer: ({ status }) => status === 422 },
    );
    const [item] = listOf(answer.items);
    if (isWire(item) && item.error !== undefined) throw itemError(item.error, { jobId, operation: 'bulk.retry' });
    if (!isWire(item)) throw new OJSError('The answer does not tell what became of the job.', { jobId, operation: 'bulk.retry' });
    return getJob(this.#connection, jobId, options);
  }

  /** The job is not run any more, and stands among the discarded ones with an error `discarded`. The specification has no route for it: a server of another make answers `not_found`. */
  async discardJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    const call = { operation: 'job.discard', params: { id: jobId }, idempotencyKey: uuidv7() } as const;
    return readJob(jobIn(await this.#connection.call(call, options, { jobId })));
  }

  async cancelJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return cancelJob(this.#connection, jobId, options);
  }

  /** Waits for the calls under way. A transport that was given to the constructor stays open. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
