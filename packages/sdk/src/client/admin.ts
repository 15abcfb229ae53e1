import type { Names, Transport } from '@ojs-ts/core';
import { Connection, type ConnectionOptions, connectionNames } from '../connection/connection.ts';
import type { Operation } from '../connection/operation.ts';
import { readTarget, type UrlOption } from '../connection/target.ts';
import type { Job } from '../job/job.ts';
import { type CallOptions, type CreateOptions, callNames, createNames } from '../job/options.ts';
import { type AuditEntry, type AuditOptions, auditNames, listAudit } from '../operations/audit.ts';
import { diagnose, type Finding } from '../operations/doctor.ts';
import type { DeadLetterFilter } from '../operations/filter.ts';
import {
  type BulkResult,
  changeJobs,
  type DeadLetterTargets,
  type JobTargets,
  purgeDeadLetters,
  retryDeadLetters,
} from '../operations/jobs/bulk.ts';
import { type BulkCalls, type BulkHandle, bulkHandle } from '../operations/jobs/bulk-handle.ts';
import {
  type BulkCount,
  type BulkOperation,
  type BulkRequest,
  countBulk,
  listBulk,
  oneBulk,
  startBulk,
} from '../operations/jobs/bulk-operations.ts';
import { editJob, type JobEdit, type Rerun, type RerunChanges, rerunJob } from '../operations/jobs/changes.ts';
import { type Checkpoint, deleteCheckpoint, getCheckpoint } from '../operations/jobs/checkpoint.ts';
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
} from '../operations/jobs/dead-letter.ts';
import { countErrors, type ErrorGroups, type ErrorOptions, errorNames } from '../operations/jobs/errors.ts';
import { type ExplainOptions, type Explanation, explain } from '../operations/jobs/explain.ts';
import { groupsQuery, type JobGroups, type JobGroupsOptions, jobGroups } from '../operations/jobs/groups.ts';
import { type HistoryEvent, jobHistory, purgeJobHistory } from '../operations/jobs/history.ts';
import {
  cancelJob,
  discardJob,
  getJob,
  type JobListOptions,
  jobListNames,
  jobQuery,
  listJobs,
  retryJob,
} from '../operations/jobs/jobs.ts';
import {
  getLimit,
  type Limit,
  type LimitOverrideRequest,
  listLimits,
  overrideLimit,
  restoreLimit,
} from '../operations/limits.ts';
import {
  beginning,
  type Maintenance,
  type MaintenanceOptions,
  maintenance,
  serverConfig,
  setMaintenance,
} from '../operations/maintenance.ts';
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
import {
  changeQueue,
  listQueues,
  type PurgeOptions,
  purgeNames,
  purgeQueue,
  purgeRequest,
  type Queue,
  type QueueOverview,
  type QueueStats,
  queueOverview,
  queueStats,
} from '../operations/queues.ts';
import {
  type Stats,
  type StatsHistoryOptions,
  type StatsPoint,
  stats,
  statsHistory,
  statsQuery,
} from '../operations/statistics.ts';
import {
  createToken,
  type IssuedToken,
  listTokens,
  type RevokeTokenOptions,
  revokeToken,
  revokeTokenNames,
  rotateToken,
  type TokenRecord,
  type TokenRequest,
} from '../operations/tokens.ts';
import {
  directWorker,
  getWorker,
  listWorkers,
  type RemoveWorkerOptions,
  removeWorker,
  removeWorkerNames,
  type WorkerDetail,
  type WorkerRecord,
  type WorkerTold,
  workerHealth,
} from '../operations/workers.ts';
import { checkNames } from '../options/check-names.ts';
import { type WorkflowGraph, workflowGraph } from '../workflow/graph.ts';

/**
 * Manages queues, jobs, dead letters, limits and workers (ojs-sdk-guidelines §5.3). Its token needs the role
 * `admin`, or `operator` and `viewer` for a part of it.
 */
export class Admin implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #bulk: BulkCalls;

  /**
   * @param target as for {@link Client}.
   * @throws {OJSValidationError} for an unknown option, and for a wrong target, option or environment variable.
   */
  constructor(target?: string | Transport, options?: ConnectionOptions);
  /** The same as one object: `new Admin({ url: 'https://jobs.example.com', token })`. */
  constructor(options: UrlOption & ConnectionOptions);
  constructor(first?: string | Transport | (UrlOption & ConnectionOptions), second?: ConnectionOptions) {
    const { target, options } = readTarget<ConnectionOptions>(first, second, connectionNames, 'Admin');
    this.#connection = new Connection(target, options);
    this.#bulk = {
      read: (id, call) => this.getBulk(id, call),
      stop: (id, call) => this.stopBulk(id, call),
      resume: (id, call) => this.resumeBulk(id, call),
      undo: (id, call) => this.undoBulk(id, call),
      closing: this.#connection.closing,
    };
  }

  /** All queues, from all pages. */
  async listQueues(options: CallOptions = {}): Promise<Queue[]> {
    return this.#connection.ask(listQueues(), options);
  }

  /** The queues by name, each with its jobs by state and its load (ojs-admin-api §6.1). */
  async queueOverview(options: PageOptions = {}): Promise<Page<QueueOverview>> {
    return this.#pages(queueOverview, options, pageNames);
  }

  /** A queue with its settings and figures. @throws {JobNotFoundError} if no queue has this name. */
  async getQueue(queueName: string, options: CallOptions = {}): Promise<QueueDetail> {
    return this.#connection.ask(getQueue(queueName), options);
  }

  /**
   * Creates a queue before its first job; otherwise the first job creates it. @throws {OJSAPIError} `conflict` if the
   * queue exists.
   */
  async createQueue(
    queueName: string,
    config: QueueConfigRequest = {},
    options: CallOptions = {},
  ): Promise<QueueDetail> {
    return this.#connection.ask(createQueue(queueName, config), options);
  }

  /**
   * Deletes an empty queue. @throws {OJSAPIError} `conflict` if the queue holds jobs, also ended ones;
   * {JobNotFoundError}
   */
  async deleteQueue(queueName: string, options: CallOptions = {}): Promise<{ deleted: boolean; name: string }> {
    return this.#connection.ask(deleteQueue(queueName), options);
  }

  /** The settings of a queue. A queue that does not exist has the defaults. */
  async queueConfig(queueName: string, options: CallOptions = {}): Promise<QueueConfig> {
    return this.#connection.ask(queueConfig(queueName), options);
  }

  /**
   * Changes the given settings and keeps the others; null removes a setting. The change applies at once, also to
   * waiting jobs. @throws {OJSValidationError} before anything is sent.
   */
  async configureQueue(
    queueName: string,
    config: QueueConfigRequest,
    options: CreateOptions = {},
  ): Promise<QueueConfig> {
    checkNames(options, createNames);
    const { create = false, ...call } = options;
    return this.#connection.ask(configureQueue(queueName, config, create), call);
  }

  /** The number of jobs in each state, and the figures of the last hour. */
  async queueStats(queueName: string, options: CallOptions = {}): Promise<QueueStats> {
    return this.#connection.ask(queueStats(queueName), options);
  }

  /**
   * Workers stop fetching from the queue. The server still accepts jobs, unless it is configured to refuse them.
   * @throws {JobNotFoundError} for an unknown queue, without `create`
   */
  async pauseQueue(queueName: string, options: CreateOptions = {}): Promise<Queue> {
    checkNames(options, createNames);
    const { create = false, ...call } = options;
    return this.#connection.ask(changeQueue('queue.pause', queueName, create), call);
  }

  /** Workers fetch from the queue again. */
  async resumeQueue(queueName: string, options: CreateOptions = {}): Promise<Queue> {
    checkNames(options, createNames);
    const { create = false, ...call } = options;
    return this.#connection.ask(changeQueue('queue.resume', queueName, create), call);
  }

  /**
   * Deletes the jobs of a queue that are in these states, for good (ojs-admin-api §6.5). A step of a workflow that is
   * deleted before its end counts as failed. @throws {OJSValidationError} before anything is sent; {OJSAPIError}
   * `invalid_request` for the state `active`; {JobNotFoundError} if no queue has this name.
   */
  async purgeQueue(queueName: string, options: PurgeOptions): Promise<{ purged: number }> {
    checkNames(options, purgeNames);
    return this.#connection.carry(purgeQueue(queueName, purgeRequest(options)), options);
  }

  /** The limits of jobs and operators, by key, with their use. */
  async listLimits(options: PageOptions = {}): Promise<Page<Limit>> {
    return this.#pages(listLimits, options, pageNames);
  }

  /** One limit; the limit of a queue has the key `queue:NAME`. @throws {JobNotFoundError} for an unknown key. */
  async getLimit(key: string, options: CallOptions = {}): Promise<Limit> {
    return this.#connection.ask(getLimit(key), options);
  }

  /**
   * Replaces the numbers of the jobs at once; `{ concurrency: 0 }` stops every start. @throws {OJSValidationError}
   * before anything is sent; {JobNotFoundError} for a key that no job has, without `create`.
   */
  async overrideLimit(key: string, numbers: LimitOverrideRequest, options: CreateOptions = {}): Promise<Limit> {
    checkNames(options, createNames);
    const { create = false, ...call } = options;
    return this.#connection.ask(overrideLimit(key, numbers, create), call);
  }

  /** Removes an override: the numbers of the jobs or of the queue apply again. @throws {JobNotFoundError} */
  async restoreLimit(key: string, options: CallOptions = {}): Promise<Limit> {
    return this.#connection.ask(restoreLimit(key), options);
  }

  /** Reads a job (INFO, ojs-core §7). @throws {JobNotFoundError} */
  async getJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(getJob(jobId), options);
  }

  /**
   * Why a job does not run: a paused queue, a full limit, no worker, and what helps; for an ended job why it has ended.
   * The server of this project has this operation, others answer `not_found`. @throws {JobNotFoundError}
   */
  async explain(jobId: string, options: ExplainOptions = {}): Promise<Explanation> {
    return this.#connection.carry(explain(jobId, options), options);
  }

  /**
   * Returns the history of a job, oldest first: its creation, its attempts and every change of its state
   * (ojs-execution-history §7.1, experimental). The server leaves out events beyond their retention.
   * @throws {JobNotFoundError}
   */
  async history(jobId: string, options: CallOptions = {}): Promise<readonly HistoryEvent[]> {
    return this.#connection.ask(jobHistory(jobId), options);
  }

  /**
   * Deletes the history of a job that has ended, with its errors, and returns the number of deleted events. The job
   * stays. @throws {OJSAPIError} `conflict` for a job that has not ended. @throws {JobNotFoundError}
   */
  async purgeHistory(jobId: string, options: CallOptions = {}): Promise<number> {
    return this.#connection.ask(purgeJobHistory(jobId), options);
  }

  /** Jobs, unfinished ones first, newest first. Iterating over the page reads the following pages too. */
  async listJobs(options: JobListOptions = {}): Promise<Page<Job>> {
    const filter = jobQuery(options);
    return this.#pages((query) => listJobs(filter, query), options, jobListNames);
  }

  /**
   * Counts jobs by the values of a field, such as `meta.tenant` or `args[0].user`. One call reads about 10,000 jobs,
   * the newest first. @throws {OJSValidationError} before anything is sent.
   */
  async jobGroups(by: string, options: JobGroupsOptions = {}): Promise<JobGroups> {
    const query = groupsQuery(by, options);
    return this.#connection.carry(jobGroups(query), options);
  }

  /** A workflow as a graph, without arguments and results. @throws {OJSAPIError} `not_found`. */
  async workflowGraph(workflowId: string, options: CallOptions = {}): Promise<WorkflowGraph> {
    return this.#connection.ask(workflowGraph(workflowId), options);
  }

  /**
   * Restarts a discarded job with attempt 0, or ends the pause of a retryable one. @throws {OJSAPIError} `conflict` in
   * any other state.
   */
  async retryJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    await this.#connection.ask(retryJob(jobId), options);
    return this.#connection.ask(getJob(jobId), options);
  }

  /**
   * Discards a job, with the error `discarded`. The specification has no such operation, so other servers answer
   * `not_found`.
   */
  async discardJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(discardJob(jobId), options);
  }

  /**
   * Runs an ended job again as a new job, with these changes. The new job names the old one in
   * `meta['ojs.rerun_of']`; it is no step of a workflow. The server of this project has this operation, others answer
   * `not_found`. @throws {OJSAPIError} `conflict` if the job has not ended; {DuplicateJobError} by its unique policy.
   */
  async rerunJob(jobId: string, options: CallOptions & { changes?: RerunChanges | undefined } = {}): Promise<Rerun> {
    checkNames(options, { ...callNames, changes: true });
    return this.#connection.carry(rerunJob(jobId, options.changes), options);
  }

  /**
   * Changes a job that waits: `editJob(id, { priority: 10 })`, `editJob(id, { scheduledAt: 'now' })`. An available job
   * goes behind the others of its priority. The server of this project has this operation, others answer `not_found`.
   * @throws {OJSAPIError} `conflict` if the job runs or has ended, or if its unique key would change.
   */
  async editJob(jobId: string, edit: JobEdit, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(editJob(jobId, edit), options);
  }

  /**
   * Cancels a job (CANCEL, ojs-core §7.6). If it runs, its `ctx.signal` aborts with the next heartbeat of its worker.
   * @throws {OJSAPIError} `conflict` if the job has ended.
   */
  async cancelJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(cancelJob(jobId), options);
  }

  /**
   * Cancels many jobs. A filter matches waiting jobs only, by default available and scheduled ones. Name running jobs
   * by their ids.
   */
  async cancelJobs(targets: JobTargets, options: CallOptions = {}): Promise<BulkResult> {
    return this.#connection.ask(changeJobs('bulk.cancel', targets), options);
  }

  /** Restarts discarded jobs with attempt 0, and ends the pauses of retryable ones. */
  async retryJobs(targets: JobTargets, options: CallOptions = {}): Promise<BulkResult> {
    return this.#connection.ask(changeJobs('bulk.retry', targets), options);
  }

  /** Deletes jobs that have ended. */
  async deleteJobs(targets: JobTargets, options: CallOptions = {}): Promise<BulkResult> {
    return this.#connection.ask(changeJobs('bulk.delete', targets), options);
  }

  /**
   * Counts the jobs that {@link startBulk} would change, and changes none. The server of this project has bulk
   * operations on record, others answer `not_found`.
   */
  async countBulk(request: BulkRequest, options: CallOptions = {}): Promise<BulkCount> {
    return this.#connection.ask(countBulk(request), options);
  }

  /**
   * Starts a change of all jobs that match, however many. The server makes it in steps and continues without this
   * process, also after a restart. Jobs that come or fail later are not touched. The server stops the operation within
   * 5 s after the end of the token that started it.
   * @throws {OJSValidationError} before anything is sent; {OJSAPIError} `invalid_request` for changes that the action
   * does not take, or lacks.
   */
  async startBulk(request: BulkRequest, options: CallOptions = {}): Promise<BulkHandle> {
    return bulkHandle(await this.#connection.ask(startBulk(request), options), this.#bulk);
  }

  /** Reads the state of a bulk operation. @throws {JobNotFoundError} for an unknown one, and a week after its end. */
  async getBulk(bulkId: string, options: CallOptions = {}): Promise<BulkOperation> {
    return this.#connection.ask(oneBulk('bulk.get', bulkId), options);
  }

  /** The bulk operations on record, newest first. */
  async listBulk(options: PageOptions = {}): Promise<Page<BulkOperation>> {
    return this.#pages(listBulk, options, pageNames);
  }

  /** Stops a bulk operation after the step that runs. @throws {OJSAPIError} `conflict` if it has ended. */
  async stopBulk(bulkId: string, options: CallOptions = {}): Promise<BulkOperation> {
    return this.#connection.ask(oneBulk('bulk.stop', bulkId), options);
  }

  /** Continues a stopped bulk operation. @throws {OJSAPIError} `conflict` if it has ended or was undone. */
  async resumeBulk(bulkId: string, options: CallOptions = {}): Promise<BulkOperation> {
    return this.#connection.ask(oneBulk('bulk.resume', bulkId), options);
  }

  /**
   * Takes back what a bulk operation did. Cancelled and discarded jobs run again as new jobs, linked by the member
   * `ojs.rerun_of` of their meta. Retried jobs, and the new jobs of a rerun, are cancelled if they still wait.
   * `skipped` says why others stay.
   * @throws {OJSAPIError} `conflict` while the operation runs, and for one that cannot be undone.
   */
  async undoBulk(bulkId: string, options: CallOptions = {}): Promise<BulkHandle> {
    return bulkHandle(await this.#connection.ask(oneBulk('bulk.undo', bulkId), options), this.#bulk);
  }

  /** Dead letters, newest first. They must match the whole filter. */
  async listDeadLetterJobs(options: DeadLetterListOptions = {}): Promise<Page<Job>> {
    const filter = deadLetterQuery(options);
    return this.#pages((query) => listDeadLetterJobs(filter, query), options, deadLetterListNames);
  }

  /** Reads a dead letter. @throws {JobNotFoundError} if the job is none. */
  async getDeadLetterJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(getDeadLetterJob(jobId), options);
  }

  /** The number of dead letters by queue and by error. The figures are at most five seconds old. */
  async deadLetterStats(options: CallOptions = {}): Promise<DeadLetterStats> {
    return this.#connection.ask(deadLetterStats(), options);
  }

  /**
   * Groups failed jobs by the fingerprints of their last errors, the most frequent first: jobs that wait for another
   * attempt or are discarded. A filter with a `fingerprint` takes the jobs of one of them.
   */
  async errors(options: ErrorOptions & CallOptions = {}): Promise<ErrorGroups> {
    checkNames(options, { ...callNames, ...errorNames });
    const { state, deadLetter, queue, type, limit, ...call } = options;
    return this.#connection.ask(countErrors({ state, deadLetter, queue, type, limit }), call);
  }

  /** Restarts a dead letter with attempt 0 and these changes. @throws {JobNotFoundError} */
  async retryDeadLetterJob(
    jobId: string,
    options: CallOptions & { changes?: DeadLetterRetry | undefined } = {},
  ): Promise<Job> {
    checkNames(options, { ...callNames, changes: true });
    return this.#connection.carry(retryDeadLetterJob(jobId, options.changes), options);
  }

  /** Restarts all matching dead letters with attempt 0; `{}` matches all. */
  async retryDeadLetterJobs(targets: DeadLetterTargets, options: CallOptions = {}): Promise<BulkResult> {
    return this.#connection.ask(retryDeadLetters(targets), options);
  }

  /** Deletes a dead letter. @throws {JobNotFoundError} */
  async deleteDeadLetterJob(jobId: string, options: CallOptions = {}): Promise<{ deleted: boolean; jobId: string }> {
    return this.#connection.ask(deleteDeadLetterJob(jobId), options);
  }

  /** Deletes all matching dead letters; `{}` matches all. */
  async purgeDeadLetter(filter: DeadLetterFilter, options: CallOptions = {}): Promise<BulkResult> {
    return this.#connection.ask(purgeDeadLetters(filter), options);
  }

  /**
   * The checkpoint of a job: the state that its last execution saved. @throws {JobNotFoundError} also for a job without
   * a checkpoint.
   */
  async getCheckpoint(jobId: string, options: CallOptions = {}): Promise<Checkpoint> {
    return this.#connection.ask(getCheckpoint(jobId), options);
  }

  /** Deletes the checkpoint of a job. Its next execution starts without one. */
  async deleteCheckpoint(jobId: string, options: CallOptions = {}): Promise<{ deleted: boolean; jobId: string }> {
    return this.#connection.ask(deleteCheckpoint(jobId), options);
  }

  /** All workers that the server knows, by id. */
  async listWorkers(options: PageOptions = {}): Promise<Page<WorkerRecord>> {
    return this.#pages(listWorkers, options, pageNames);
  }

  /** The state of a worker. @throws {JobNotFoundError} for an unknown worker. */
  async workerHealth(workerId: string, options: CallOptions = {}): Promise<WorkerRecord> {
    return this.#connection.ask(workerHealth(workerId), options);
  }

  /** A worker with the jobs that it runs (ojs-admin-api §9.2). @throws {JobNotFoundError} for an unknown worker. */
  async getWorker(workerId: string, options: CallOptions = {}): Promise<WorkerDetail> {
    return this.#connection.ask(getWorker(workerId), options);
  }

  /**
   * Asks a worker to fetch no more jobs and to finish those that it has, with its next heartbeat (ojs-admin-api §9.3).
   * @throws {OJSAPIError} `conflict` for a worker that sends no heartbeats; {JobNotFoundError}
   */
  async quietWorker(workerId: string, options: CallOptions = {}): Promise<WorkerTold> {
    return this.#connection.ask(directWorker('worker.quiet', workerId), options);
  }

  /** Asks a quiet worker to fetch again. @throws as {@link quietWorker}. */
  async resumeWorker(workerId: string, options: CallOptions = {}): Promise<WorkerTold> {
    return this.#connection.ask(directWorker('worker.resume', workerId), options);
  }

  /** Asks a worker to finish its jobs and to stop. @throws as {@link quietWorker}. */
  async stopWorker(workerId: string, options: CallOptions = {}): Promise<WorkerTold> {
    return this.#connection.ask(directWorker('worker.stop', workerId), options);
  }

  /**
   * Removes a worker that has missed its heartbeats (ojs-admin-api §9.4). Its jobs return to their queues at once.
   * @throws {OJSAPIError} `conflict` for a live worker without `force`; {JobNotFoundError}
   */
  async removeWorker(
    workerId: string,
    options: RemoveWorkerOptions = {},
  ): Promise<{ deleted: boolean; workerId: string }> {
    checkNames(options, removeWorkerNames);
    return this.#connection.carry(removeWorker(workerId, options.force), options);
  }

  /** Sums over all queues, and the workers (ojs-admin-api §10.1). */
  async stats(options: CallOptions = {}): Promise<Stats> {
    return this.#connection.ask(stats(), options);
  }

  /** Sums by period, oldest first (ojs-admin-api §10.2). @throws {OJSValidationError} before anything is sent. */
  async statsHistory(options: StatsHistoryOptions = {}): Promise<StatsPoint[]> {
    const query = statsQuery(options);
    return this.#connection.carry(statsHistory(query), options);
  }

  /** Reports whether the servers of the store are in maintenance mode. */
  async maintenance(options: CallOptions = {}): Promise<Maintenance> {
    return this.#connection.ask(maintenance(), options);
  }

  /**
   * Begins maintenance mode on all servers of the store, within 2 seconds (ojs-admin-api §12.1). No job starts until
   * {@link endMaintenance}; jobs can be enqueued, and running ones continue. A second call changes the text that people
   * see.
   * @throws {OJSValidationError} before anything is sent.
   */
  async startMaintenance(options: MaintenanceOptions = {}): Promise<Maintenance> {
    const body = beginning(options);
    return this.#connection.carry(setMaintenance(body), options);
  }

  /** Ends maintenance mode: what waits starts. */
  async endMaintenance(options: CallOptions = {}): Promise<Maintenance> {
    return this.#connection.ask(setMaintenance({ enabled: false }), options);
  }

  /**
   * The settings of the server with their origins, verbatim and without secrets (ojs-admin-api §12.2). `settings` is
   * missing where no server is around the engine.
   */
  async serverConfig(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.#connection.ask(serverConfig(), options);
  }

  /**
   * Lists problems that exist or will come soon, the worst first, each with its remedy. Empty if nothing was found.
   */
  async diagnose(options: CallOptions = {}): Promise<Finding[]> {
    return this.#connection.ask(diagnose(), options);
  }

  /** Who did what: entries of the audit log, newest first. Iterating reads the following pages too. */
  async listAudit(options: AuditOptions = {}): Promise<Page<AuditEntry>> {
    checkNames(options, auditNames);
    const query = firstPage({ limit: options.limit });
    return openPage(query, (next) => this.#connection.carry(listAudit(options, next), options));
  }

  /**
   * The tokens of the server's store, oldest first, revoked ones too. Tokens of its configuration are not among them.
   */
  async listTokens(options: PageOptions = {}): Promise<Page<TokenRecord>> {
    return this.#pages(listTokens, options, pageNames);
  }

  /**
   * Makes a token. The first token of a store makes its servers ask every caller for one, so it must have the role
   * `admin` for all queues, and no expiry. @throws {OJSAPIError} `conflict` for another first token;
   * {OJSValidationError}
   */
  async createToken(request: TokenRequest, options: CallOptions = {}): Promise<IssuedToken> {
    return this.#connection.ask(createToken(request), options);
  }

  /**
   * Gives a token a new secret (ojs-security §6.4). The old one counts for `grace` more, an ISO 8601 duration of at
   * most 30 days; default `PT24H`. @throws {JobNotFoundError} for an unknown or revoked token.
   */
  async rotateToken(tokenId: string, grace?: `P${string}`, options: CallOptions = {}): Promise<IssuedToken> {
    return this.#connection.ask(rotateToken(tokenId, grace), options);
  }

  /**
   * Ends a token: every server of the store refuses it within 5 s.
   * @throws {OJSAPIError} `conflict` for the last token that may manage tokens without `force`; {JobNotFoundError} for
   * an unknown token.
   */
  async revokeToken(tokenId: string, options: RevokeTokenOptions = {}): Promise<TokenRecord> {
    checkNames(options, revokeTokenNames);
    return this.#connection.carry(revokeToken(tokenId, options.force), options);
  }

  /**
   * Waits for calls in flight, then closes the connections. A transport that was given to the constructor stays open.
   */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #pages<T>(list: (query: PageQuery) => Operation<PageOf<T>>, options: PageOptions, names: Names): Promise<Page<T>> {
    checkNames(options, names);
    return openPage(firstPage(options), (query) => this.#connection.carry(list(query), options));
  }
}
