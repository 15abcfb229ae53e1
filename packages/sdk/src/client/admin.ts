import type { Names, Transport } from '@ojs-ts/core';
import { Connection, type ConnectionOptions, connectionNames } from '../connection/connection.ts';
import type { Operation } from '../connection/operation.ts';
import { readTarget, type UrlOption } from '../connection/target.ts';
import type { Job } from '../job/job.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import {
  type BulkResult,
  changeJobs,
  type DeadLetterTargets,
  type JobTargets,
  purgeDeadLetters,
  retryDeadLetters,
} from '../operations/bulk.ts';
import { type Checkpoint, deleteCheckpoint, getCheckpoint } from '../operations/checkpoint.ts';
import {
  type DeadLetterListOptions,
  type DeadLetterRetry,
  type DeadLetterStats,
  deadLetterListNames,
  deadLetterQuery,
  deadLetterStats,
  deleteDeadLetterJob,
  getDeadLetterJob,
  listDeadLetterJobs,
  retryDeadLetterJob,
} from '../operations/dead-letter.ts';
import type { DeadLetterFilter } from '../operations/filter.ts';
import {
  cancelJob,
  discardJob,
  getJob,
  type JobListOptions,
  jobListNames,
  jobQuery,
  listJobs,
  retryJob,
} from '../operations/jobs.ts';
import {
  getLimit,
  type Limit,
  type LimitOverrideRequest,
  listLimits,
  overrideLimit,
  restoreLimit,
} from '../operations/limits.ts';
import {
  firstPage,
  openPage,
  type Page,
  type PageOf,
  type PageOptions,
  type PageQuery,
  pageNames,
} from '../operations/page.ts';
import {
  configureQueue,
  createQueue,
  deleteQueue,
  getQueue,
  type QueueConfig,
  type QueueConfigRequest,
  type QueueDetail,
  queueConfig,
} from '../operations/queue-config.ts';
import { changeQueue, listQueues, type Queue, type QueueStats, queueStats } from '../operations/queues.ts';
import { listWorkers, removeWorker, type WorkerRecord, workerHealth } from '../operations/workers.ts';
import { known } from '../options/known.ts';

/** Looks after queues and jobs, apart from who makes them and who works on them (ojs-sdk-guidelines §5.3). Its token needs the scope `admin`. */
export class Admin implements AsyncDisposable {
  readonly #connection: Connection;

  /**
   * @param target as for {@link Client}.
   * @throws {OJSValidationError} for a target, an option or a variable of the environment that cannot be used, and for an unknown option.
   */
  constructor(target?: string | Transport, options?: ConnectionOptions);
  /** The same as one object: `new Admin({ url: 'https://jobs.example.com', token })`. */
  constructor(options: UrlOption & ConnectionOptions);
  constructor(first?: string | Transport | (UrlOption & ConnectionOptions), second?: ConnectionOptions) {
    const { target, options } = readTarget<ConnectionOptions>(first, second, connectionNames, 'Admin');
    this.#connection = new Connection(target, options);
  }

  /** All queues, over every page. */
  async listQueues(options: CallOptions = {}): Promise<Queue[]> {
    return this.#connection.ask(listQueues(), options);
  }

  /** The queue with its configuration and its figures. @throws {JobNotFoundError} where there is none of this name. */
  async getQueue(queueName: string, options: CallOptions = {}): Promise<QueueDetail> {
    return this.#connection.ask(getQueue(queueName), options);
  }

  /** Makes a queue before its first job. A queue needs no making: its first job does it. @throws {OJSAPIError} `conflict` where it is there. */
  async createQueue(
    queueName: string,
    config: QueueConfigRequest = {},
    options: CallOptions = {},
  ): Promise<QueueDetail> {
    return this.#connection.ask(createQueue(queueName, config), options);
  }

  /** @throws {OJSAPIError} `conflict` for a queue that holds jobs, finished ones included; {JobNotFoundError} */
  async deleteQueue(queueName: string, options: CallOptions = {}): Promise<{ deleted: boolean; name: string }> {
    return this.#connection.ask(deleteQueue(queueName), options);
  }

  /** The settings of the queue; of one that is not there, the defaults. */
  async queueConfig(queueName: string, options: CallOptions = {}): Promise<QueueConfig> {
    return this.#connection.ask(queueConfig(queueName), options);
  }

  /** Changes what is given and keeps the rest; null takes a setting back. Holds at once, for jobs that wait already too. @throws {OJSValidationError} before anything is sent. */
  async configureQueue(queueName: string, config: QueueConfigRequest, options: CallOptions = {}): Promise<QueueConfig> {
    return this.#connection.ask(configureQueue(queueName, config), options);
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

  /** The limits that jobs and operators have named, by key, with their use. */
  async listLimits(options: PageOptions = {}): Promise<Page<Limit>> {
    return this.#pages(listLimits, options, pageNames);
  }

  /** That of a queue stands under `queue:NAME`. @throws {JobNotFoundError} for a key that nobody has named. */
  async getLimit(key: string, options: CallOptions = {}): Promise<Limit> {
    return this.#connection.ask(getLimit(key), options);
  }

  /** These numbers hold in place of those that jobs bring, at once; `{ concurrency: 0 }` stops every start. @throws {OJSValidationError} before anything is sent. */
  async overrideLimit(key: string, numbers: LimitOverrideRequest, options: CallOptions = {}): Promise<Limit> {
    return this.#connection.ask(overrideLimit(key, numbers), options);
  }

  /** Takes an override back: the numbers of the jobs hold again, or those of the queue's configuration. @throws {JobNotFoundError} */
  async restoreLimit(key: string, options: CallOptions = {}): Promise<Limit> {
    return this.#connection.ask(restoreLimit(key), options);
  }

  /** INFO. @throws {JobNotFoundError} */
  async getJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(getJob(jobId), options);
  }

  /** Unfinished ones first, newest first. Iterating goes on over the following pages. */
  async listJobs(options: JobListOptions = {}): Promise<Page<Job>> {
    const filter = jobQuery(options);
    return this.#pages((query) => listJobs(filter, query), options, jobListNames);
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

  /** CANCEL of many. By a filter only jobs that wait, available and scheduled ones where it names no state; running ones by their ids. */
  async cancelJobs(targets: JobTargets, options: CallOptions = {}): Promise<BulkResult> {
    return this.#connection.ask(changeJobs('bulk.cancel', targets), options);
  }

  /** Discarded jobs begin anew, retryable ones do not wait any longer. */
  async retryJobs(targets: JobTargets, options: CallOptions = {}): Promise<BulkResult> {
    return this.#connection.ask(changeJobs('bulk.retry', targets), options);
  }

  /** Removes jobs that have ended, for good. */
  async deleteJobs(targets: JobTargets, options: CallOptions = {}): Promise<BulkResult> {
    return this.#connection.ask(changeJobs('bulk.delete', targets), options);
  }

  /** Dead letters, newest first; all of what the filter says has to hold. */
  async listDeadLetterJobs(options: DeadLetterListOptions = {}): Promise<Page<Job>> {
    const filter = deadLetterQuery(options);
    return this.#pages((query) => listDeadLetterJobs(filter, query), options, deadLetterListNames);
  }

  /** @throws {JobNotFoundError} for a job that is not in the dead letter. */
  async getDeadLetterJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(getDeadLetterJob(jobId), options);
  }

  /** How many dead letters there are, of which queues and errors. At most five seconds old. */
  async deadLetterStats(options: CallOptions = {}): Promise<DeadLetterStats> {
    return this.#connection.ask(deadLetterStats(), options);
  }

  /** The job begins anew with attempt 0, as it was or with these changes. @throws {JobNotFoundError} */
  async retryDeadLetterJob(
    jobId: string,
    options: CallOptions & { changes?: DeadLetterRetry | undefined } = {},
  ): Promise<Job> {
    known(options, { ...callNames, changes: true });
    return this.#connection.carry(retryDeadLetterJob(jobId, options.changes), options);
  }

  /** All that are named or fit begin anew with attempt 0; `{}` is the whole dead letter. */
  async retryDeadLetterJobs(targets: DeadLetterTargets, options: CallOptions = {}): Promise<BulkResult> {
    return this.#connection.ask(retryDeadLetters(targets), options);
  }

  /** Removes the job for good. @throws {JobNotFoundError} */
  async deleteDeadLetterJob(jobId: string, options: CallOptions = {}): Promise<{ deleted: boolean; jobId: string }> {
    return this.#connection.ask(deleteDeadLetterJob(jobId), options);
  }

  /** Removes all that fit, for good; `{}` is the whole dead letter. */
  async purgeDeadLetter(filter: DeadLetterFilter, options: CallOptions = {}): Promise<BulkResult> {
    return this.#connection.ask(purgeDeadLetters(filter), options);
  }

  /** What the last execution saved for the next one. @throws {JobNotFoundError} also where there is none. */
  async getCheckpoint(jobId: string, options: CallOptions = {}): Promise<Checkpoint> {
    return this.#connection.ask(getCheckpoint(jobId), options);
  }

  /** The next execution begins without. */
  async deleteCheckpoint(jobId: string, options: CallOptions = {}): Promise<{ deleted: boolean; jobId: string }> {
    return this.#connection.ask(deleteCheckpoint(jobId), options);
  }

  /** Every worker that the server knows, by name. */
  async listWorkers(options: PageOptions = {}): Promise<Page<WorkerRecord>> {
    return this.#pages(listWorkers, options, pageNames);
  }

  /** @throws {JobNotFoundError} for a worker that the server does not know. */
  async workerHealth(workerId: string, options: CallOptions = {}): Promise<WorkerRecord> {
    return this.#connection.ask(workerHealth(workerId), options);
  }

  /** Forgets a worker that is gone. The jobs that it holds go back to their queues at once; the attempt does not count. @throws {JobNotFoundError} */
  async removeWorker(workerId: string, options: CallOptions = {}): Promise<{ deleted: boolean; workerId: string }> {
    return this.#connection.ask(removeWorker(workerId), options);
  }

  /** Waits for the calls under way. A transport that was given to the constructor stays open. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #pages<T>(list: (query: PageQuery) => Operation<PageOf<T>>, options: PageOptions, names: Names): Promise<Page<T>> {
    known(options, names);
    return openPage(firstPage(options), (query) => this.#connection.carry(list(query), options));
  }
}
