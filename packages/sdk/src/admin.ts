import type { Transport } from '@ojs-ts/core';
import { discardJob, listJobs, retryJob } from './admin-jobs.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { Job, JobState } from './job.ts';
import { cancelJob, getJob } from './jobs.ts';
import type { CallOptions } from './options.ts';
import { firstPage, openPage, type Page, type PageOptions } from './page.ts';
import { changeQueue, listQueues, type Queue, type QueueStats, queueStats } from './queue.ts';

/** Which jobs; all of what is given has to hold. */
export interface JobListOptions extends PageOptions {
  /** Default: all queues. */
  queue?: string;
  /** Default: all states. */
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

  /** All queues, over every page. */
  async listQueues(options: CallOptions = {}): Promise<Queue[]> {
    return this.#connection.ask(listQueues(), options);
  }

  /** How many jobs of the queue are in which state, and its figures of the last hour. */
  async queueStats(queueName: string, options: CallOptions = {}): Promise<QueueStats> {
    return this.#connection.ask(queueStats(queueName), options);
  }

  /** Workers stop fetching from the queue; jobs are still accepted unless the server is told otherwise. */
  async pauseQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return this.#connection.ask(changeQueue('queue.pause', queueName), options);
  }

  /** Workers fetch from the queue again. */
  async resumeQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return this.#connection.ask(changeQueue('queue.resume', queueName), options);
  }

  /** INFO. @throws {JobNotFoundError} */
  async getJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(getJob(jobId), options);
  }

  /** Unfinished ones first, newest first. Iterating goes on over the following pages. */
  async listJobs(options: JobListOptions = {}): Promise<Page<Job>> {
    const { queue, state, type, limit: _, offset: __, ...call } = options;
    return openPage(firstPage(options), (query) => this.#connection.ask(listJobs({ queue, state, type }, query), call));
  }

  /** A discarded job begins anew with attempt 0, a retryable one does not wait any longer. @throws {OJSAPIError} `conflict` for any other. */
  async retryJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    await this.#connection.ask(retryJob(jobId), options);
    return this.#connection.ask(getJob(jobId), options);
  }

  /** The job is not run any more, and stands among the discarded ones with an error `discarded`. The specification has no route for it: a server of another make answers `not_found`. */
  async discardJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(discardJob(jobId), options);
  }

  /** CANCEL (ojs-core §7.6). A running job's `ctx.signal` aborts within a heartbeat of its worker. @throws {OJSAPIError} `conflict` for a job that has ended. */
  async cancelJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(cancelJob(jobId), options);
  }

  /** Waits for the calls under way. A transport that was given to the constructor stays open. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
