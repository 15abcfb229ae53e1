import type { Names, NamesOf, Transport } from '@ojs-ts/core';
import { Connection, type ConnectionOptions, connectionNames } from '../connection/connection.ts';
import type { Operation } from '../connection/operation.ts';
import { defaultQueue, readTarget, type UrlOption } from '../connection/target.ts';
import { Producer } from '../enqueue/producer.ts';
import { typedJobHandle } from '../enqueue/typed.ts';
import type { Event } from '../events/event.ts';
import { checkEventsOptions, type EventsOptions } from '../events/wanted.ts';
import type {
  ArgsIn,
  ArgsOf,
  InputOf,
  JobDef,
  JobRequest,
  JobTypes,
  Jsonable,
  NameIn,
  ResultIn,
  ResultOf,
} from '../job/definition.ts';
import { handleOf, type JobCalls, type JobHandle } from '../job/handle.ts';
import type { Job, JobProgress } from '../job/job.ts';
import { type CallOptions, callNames, type EnqueueOptions } from '../job/options.ts';
import type { JsonArray } from '../json.ts';
import { MiddlewareChain } from '../middleware/chain.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import {
  type CronJob,
  type CronJobChanges,
  type CronJobOptions,
  type CronJobRequest,
  cronRuns,
  getCronJob,
  listCronJobs,
  registerCron,
  switchCronJob,
  triggerCronJob,
  unregisterCronJob,
  updateCronJob,
} from '../operations/cron.ts';
import {
  type DeadLetterListOptions,
  type DeadLetterRetry,
  deadLetterListNames,
  deadLetterQuery,
  deleteDeadLetterJob,
  listDeadLetterJobs,
  retryDeadLetterJob,
} from '../operations/jobs/dead-letter.ts';
import { activateJob, cancelJob, getJob, getProgress } from '../operations/jobs/jobs.ts';
import { health, manifest } from '../operations/manifest.ts';
import {
  firstPage,
  openPage,
  type Page,
  type PageOf,
  type PageOptions,
  type PageQuery,
  pageNames,
} from '../operations/page.ts';
import { changeQueue, listQueues, type Queue, type QueueStats, queueStats } from '../operations/queues.ts';
import {
  deleteSchema,
  deleteSchemaVersion,
  getSchema,
  getSchemaVersion,
  listSchemas,
  listSchemaVersions,
  registerSchema,
  type Schema,
  type SchemaInfo,
} from '../operations/schemas.ts';
import { checkNames } from '../options/check-names.ts';
import { specVersion } from '../version.ts';
import {
  cancelWorkflow,
  getWorkflow,
  listWorkflows,
  rerunWorkflow,
  retryWorkflow,
  workflowProgress,
} from '../workflow/calls.ts';
import type { WorkflowDefinition } from '../workflow/definition.ts';
import type { WorkflowHandle } from '../workflow/handle.ts';
import type { Workflow, WorkflowProgress, WorkflowState } from '../workflow/workflow.ts';
import { later, loaded } from './lazy-code.ts';

// Loaded with their first use: a quarter of a bundled client.
const following = () => loaded(import('../events/follow.ts'));
const waiting = () => loaded(import('../events/job-end.ts'));
const workflows = () => loaded(import('../workflow/open.ts'));

/** How a client speaks to its server, and what holds for all of its jobs. */
export interface ClientOptions extends ConnectionOptions {
  /** The queue of jobs that name none. Default: `OJS_QUEUE`, else the server's `default`. */
  queue?: string | undefined;
  /** If true, concurrent `enqueue` calls go as one request. Default: true. */
  coalesce?: boolean | undefined;
  /**
   * Called with every job that this client has enqueued, but not with duplicates. The client logs what this function
   * throws.
   */
  onJobEnqueued?: ((job: Job) => void) | undefined;
}

export const clientNames: NamesOf<ClientOptions> = {
  ...connectionNames,
  queue: true,
  coalesce: true,
  onJobEnqueued: true,
};

/** The handles of a batch, in its order. */
export type HandlesOf<L extends readonly JobRequest[]> = {
  -readonly [K in keyof L]: L[K] extends JobRequest<infer A, infer R> ? JobHandle<A, R> : never;
};

/** Enqueues jobs and manages them. `R` is a registry of job types for calls by name. Default: {@link JobTypes}. */
export class Client<R = JobTypes> implements AsyncDisposable {
  static readonly specVersion = specVersion;
  /**
   * Middleware around every job on its way to the server, also the jobs of batches and workflows. The first one is the
   * outermost.
   */
  readonly middlewares: MiddlewareChain<EnqueueMiddleware> = new MiddlewareChain();
  readonly #connection: Connection;
  readonly #producer: Producer;
  readonly #queue: string | undefined;
  readonly #calls: JobCalls = {
    read: (jobId, options) => this.#connection.ask(getJob(jobId), options),
    cancel: (jobId, options) => this.#connection.ask(cancelJob(jobId), options),
    result: async (jobId, options) => (await waiting()).resultOfJob(this.#connection, jobId, options),
    events: (jobId) => this.events({ jobId }),
  };

  /**
   * @param target URL of a server, or a transport such as the one of `openEmbedded()`. Default: `OJS_BACKEND_URL`, else
   * http://localhost:8080.
   * @throws {OJSValidationError} for an unknown option, and for a wrong target, option or environment variable.
   */
  constructor(target?: string | Transport, options?: ClientOptions);
  /** The same as one object: `new Client({ url: 'https://jobs.example.com', token })`. */
  constructor(options: UrlOption & ClientOptions);
  constructor(first?: string | Transport | (UrlOption & ClientOptions), second?: ClientOptions) {
    const { target, options } = readTarget<ClientOptions>(first, second, clientNames, 'Client');
    this.#connection = new Connection(target, options);
    this.#queue = defaultQueue(options.queue);
    this.#producer = new Producer({
      connection: this.#connection,
      middlewares: this.middlewares,
      calls: this.#calls,
      coalesce: options.coalesce ?? true,
      queue: this.#queue,
      onJobEnqueued: options.onJobEnqueued,
    });
  }

  /** Adds a middleware innermost, as `middlewares.add` does. @throws {OJSValidationError} if the name is taken. */
  enqueueMiddleware(middleware: EnqueueMiddleware, name?: string): this {
    this.middlewares.add(middleware, name);
    return this;
  }

  /**
   * Enqueues a job (PUSH, ojs-core §7.1). The client makes the id, so a repeated request never makes a second job.
   * Concurrent calls go as one request, and each has its own outcome. If the definition has a schema, the client checks
   * the args and sends them as given; the handle shows the output of the schema.
   * @throws {OJSValidationError} before anything is sent; {DuplicateJobError}, {QueuePausedError}, and the other errors
   * of a call.
   */
  enqueue<D extends JobDef>(
    job: D,
    args: Jsonable<InputOf<D>>,
    options?: EnqueueOptions,
  ): Promise<JobHandle<ArgsOf<D>, ResultOf<D>>>;
  enqueue<T extends NameIn<R>>(
    jobType: T,
    args: ArgsIn<R, T>,
    options?: EnqueueOptions,
  ): Promise<JobHandle<ArgsIn<R, T>, ResultIn<R, T>>>;
  /** Both overloads in one, and last, because TypeScript reports the errors of the last overload. */
  enqueue<T extends JobDef | NameIn<R>>(
    job: T,
    args: T extends JobDef ? Jsonable<InputOf<T>> : ArgsIn<R, T>,
    options?: EnqueueOptions,
  ): Promise<T extends JobDef ? JobHandle<ArgsOf<T>, ResultOf<T>> : JobHandle<ArgsIn<R, T>, ResultIn<R, T>>>;
  enqueue(job: string | JobDef, args: JsonArray, options: EnqueueOptions = {}): Promise<JobHandle> {
    return this.#producer.enqueue(job, args, options);
  }

  /**
   * Enqueues all jobs or none, in one request. The handles have the order of the requests, and a job that a middleware
   * dropped keeps its place.
   * @throws {OJSValidationError} for a wrong request, with its index, and for more jobs than the server takes at once;
   * the errors of a call.
   */
  enqueueBatch<const L extends readonly JobRequest[]>(requests: L, options?: CallOptions): Promise<HandlesOf<L>>;
  enqueueBatch(requests: readonly JobRequest[], options: CallOptions = {}): Promise<JobHandle[]> {
    return this.#producer.enqueueBatch(requests, options);
  }

  /**
   * Reads a job (INFO, ojs-core §7). With a definition, args and result have its types; args that its schema refuses
   * stay as they are.
   * @throws {JobNotFoundError}; {OJSValidationError} if the job has another type than the definition.
   */
  getJob(jobId: string, options?: CallOptions): Promise<JobHandle>;
  getJob<D extends JobDef>(
    definition: D,
    jobId: string,
    options?: CallOptions,
  ): Promise<JobHandle<ArgsOf<D>, ResultOf<D>>>;
  async getJob(first: string | JobDef, second?: string | CallOptions, third: CallOptions = {}): Promise<JobHandle> {
    if (typeof first === 'string') {
      const options = typeof second === 'object' ? second : {};
      return handleOf(await this.#calls.read(first, options), 'created', this.#calls);
    }
    const job = await this.#calls.read(typeof second === 'string' ? second : '', third);
    return typedJobHandle(job, first, this.#calls);
  }

  /**
   * The last progress that the job reported; null if it reported none. On the server of this project `job.progress` has
   * it too.
   */
  async getProgress(jobId: string, options: CallOptions = {}): Promise<JobProgress | null> {
    return this.#connection.ask(getProgress(jobId), options);
  }

  /**
   * Makes a job that was enqueued with `pending` available or scheduled. @throws {OJSAPIError} `conflict` for any other
   * job.
   */
  async activateJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(activateJob(jobId), options);
  }

  /**
   * Cancels a job (CANCEL, ojs-core §7.6). If it runs, its `ctx.signal` aborts with the next heartbeat of its worker.
   */
  async cancelJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#calls.cancel(jobId, options);
  }

  /** All queues, from all pages. */
  async listQueues(options: CallOptions = {}): Promise<Queue[]> {
    return this.#connection.ask(listQueues(), options);
  }

  /** The number of jobs in each state, and the figures of the last hour. */
  async queueStats(queueName: string, options: CallOptions = {}): Promise<QueueStats> {
    return this.#connection.ask(queueStats(queueName), options);
  }

  /** Workers stop fetching from the queue. The server still accepts jobs, unless it is configured to refuse them. */
  async pauseQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return this.#connection.ask(changeQueue('queue.pause', queueName), options);
  }

  /** Workers fetch from the queue again. */
  async resumeQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return this.#connection.ask(changeQueue('queue.resume', queueName), options);
  }

  /**
   * Registers a cron job, or replaces the one of this name. Its runs pass no enqueue middleware. Only encryption
   * applies: it encodes the args here.
   * @throws {OJSValidationError} before anything is sent, also for args that the schema of the definition refuses.
   */
  registerCronJob<D extends JobDef>(
    name: string,
    cron: string,
    job: D,
    args: Jsonable<InputOf<D>>,
    options?: CronJobOptions & CallOptions,
  ): Promise<CronJob>;
  registerCronJob<T extends NameIn<R>>(
    name: string,
    cron: string,
    jobType: T,
    args?: ArgsIn<R, T>,
    options?: CronJobOptions & CallOptions,
  ): Promise<CronJob>;
  registerCronJob(request: CronJobRequest, options?: CallOptions): Promise<CronJob>;
  /** The first two overloads in one, and last, because TypeScript reports the errors of the last overload. */
  registerCronJob<T extends JobDef | NameIn<R>>(
    name: string,
    cron: string,
    job: T,
    args: T extends JobDef ? Jsonable<InputOf<T>> : ArgsIn<R, T>,
    options?: CronJobOptions & CallOptions,
  ): Promise<CronJob>;
  async registerCronJob(
    first: string | CronJobRequest,
    second?: string | CallOptions,
    type?: string | JobDef,
    args?: JsonArray,
    third?: CronJobOptions & CallOptions,
  ): Promise<CronJob> {
    // A copy: the caller may change its own after the call.
    const request = typeof first === 'string' ? first : { ...first };
    const chain = this.middlewares.all;
    return this.#producer.during('cron.register', () =>
      registerCron(this.#connection, chain, this.#queue, request, second, type, args, third),
    );
  }

  /** The first page. Iterating over it reads the following pages too. */
  async listCronJobs(options: PageOptions = {}): Promise<Page<CronJob>> {
    return this.#pages((query) => listCronJobs(query), options);
  }

  /** @throws {JobNotFoundError} if no cron job has this name. */
  async getCronJob(name: string, options: CallOptions = {}): Promise<CronJob> {
    return this.#connection.ask(getCronJob(name), options);
  }

  /**
   * Changes when the cron job runs; fields that are left out stay. To change its jobs, register it again. @throws
   * {OJSValidationError}, {JobNotFoundError}
   */
  async updateCronJob(name: string, changes: CronJobChanges, options: CallOptions = {}): Promise<CronJob> {
    const own = { ...changes };
    return this.#connection.ask(updateCronJob(name, own), options);
  }

  /**
   * Stops the cron job until it is resumed. Runs that it misses while it is paused do not happen later. @throws
   * {JobNotFoundError}
   */
  async pauseCronJob(name: string, options: CallOptions = {}): Promise<CronJob> {
    return this.#connection.ask(switchCronJob('cron.pause', name), options);
  }

  /** Lets the cron job run again, from its next time on. @throws {JobNotFoundError} */
  async resumeCronJob(name: string, options: CallOptions = {}): Promise<CronJob> {
    return this.#connection.ask(switchCronJob('cron.resume', name), options);
  }

  /** Enqueues a run now, also of a paused cron job and against its overlap policy. @throws {JobNotFoundError} */
  async triggerCronJob(name: string, options: CallOptions = {}): Promise<{ jobId: string; cron: CronJob }> {
    return this.#connection.ask(triggerCronJob(name), options);
  }

  /**
   * The next times of a cron job, by the server: `count` of them, by default 10; none while it is paused. {@link
   * nextRuns} computes those of any expression.
   */
  async cronRuns(name: string, options: CallOptions & { count?: number | undefined } = {}): Promise<Date[]> {
    return this.#ask(cronRuns(name, options.count ?? 10), options, { ...callNames, count: true });
  }

  /** Removes a cron job. Jobs that it has enqueued stay. @throws {JobNotFoundError} if no cron job has this name. */
  async unregisterCronJob(name: string, options: CallOptions = {}): Promise<{ deleted: boolean; name: string }> {
    return this.#connection.ask(unregisterCronJob(name), options);
  }

  /**
   * Dead letters, newest first: discarded jobs with `onExhaustion: 'dead_letter'` in their retry policy. A job must
   * match the whole filter.
   */
  async listDeadLetterJobs(options: DeadLetterListOptions = {}): Promise<Page<Job>> {
    const own = { ...options };
    const filter = deadLetterQuery(own);
    return this.#pages((query) => listDeadLetterJobs(filter, query), own, deadLetterListNames);
  }

  /**
   * Makes the job available again with attempt 0 and these changes. Its error history stays. @throws {JobNotFoundError}
   */
  async retryDeadLetterJob(
    jobId: string,
    options: CallOptions & { changes?: DeadLetterRetry | undefined } = {},
  ): Promise<Job> {
    return this.#ask(retryDeadLetterJob(jobId, options.changes), options, {
      ...callNames,
      changes: true,
    });
  }

  /** Deletes a dead letter. @throws {JobNotFoundError} if the job is none. */
  async deleteDeadLetterJob(jobId: string, options: CallOptions = {}): Promise<{ deleted: boolean; jobId: string }> {
    return this.#connection.ask(deleteDeadLetterJob(jobId), options);
  }

  /** Registers a JSON schema. From then on the server checks the args of jobs of this type. */
  async registerSchema(
    uri: string,
    jobType: string,
    version: string,
    schema: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<Schema> {
    return this.#connection.ask(registerSchema(uri, jobType, version, schema), options);
  }

  /** The schemas without their texts. Iterating over the page reads the following pages too. */
  async listSchemas(options: PageOptions = {}): Promise<Page<SchemaInfo>> {
    return this.#pages((query) => listSchemas(query), options);
  }

  /** The newest version of a schema, with its text. @throws {JobNotFoundError} */
  async getSchema(uri: string, options: CallOptions = {}): Promise<Schema> {
    return this.#connection.ask(getSchema(uri), options);
  }

  /**
   * The schemas of a job type, newest first, without their texts. @throws {JobNotFoundError} if the job type has none.
   */
  async listSchemaVersions(jobType: string, options: CallOptions = {}): Promise<SchemaInfo[]> {
    return this.#connection.ask(listSchemaVersions(jobType), options);
  }

  /** One version of the schema of a job type, with its text. @throws {JobNotFoundError} */
  async getSchemaVersion(jobType: string, version: string, options: CallOptions = {}): Promise<Schema> {
    return this.#connection.ask(getSchemaVersion(jobType, version), options);
  }

  /** Deletes one version of a schema; the others stay. @throws {JobNotFoundError} */
  async deleteSchemaVersion(
    jobType: string,
    version: string,
    options: CallOptions = {},
  ): Promise<{ deleted: boolean; jobType: string; version: string }> {
    return this.#connection.ask(deleteSchemaVersion(jobType, version), options);
  }

  /** Deletes a schema. The server then checks no args by it. @throws {JobNotFoundError} */
  async deleteSchema(uri: string, options: CallOptions = {}): Promise<{ deleted: boolean; uri: string }> {
    return this.#connection.ask(deleteSchema(uri), options);
  }

  /**
   * Starts a workflow that {@link chain}, {@link group}, {@link batch} or {@link dag} describes. Each job passes the
   * enqueue middleware by itself. If a middleware drops one job, the workflow does not start. A repeated request never
   * starts it twice.
   * @throws {OJSValidationError} before anything is sent, with the place of the wrong step.
   */
  async workflow<X>(definition: WorkflowDefinition<X>, options: CallOptions = {}): Promise<WorkflowHandle<X>> {
    const chain = this.middlewares.all;
    return this.#producer.during('workflow.create', async () =>
      (await workflows()).openWorkflow(this.#connection, chain, definition, this.#queue, options),
    );
  }

  /** Reads a workflow and its steps. The type of its result is unknown here. @throws {JobNotFoundError} */
  async getWorkflow(workflowId: string, options: CallOptions = {}): Promise<WorkflowHandle<unknown>> {
    const found = await this.#connection.ask(getWorkflow(workflowId), options);
    return (await workflows()).handleOfFound(this.#connection, found);
  }

  /** Workflows, newest first, without their steps. */
  async listWorkflows(options: PageOptions & { state?: WorkflowState | undefined } = {}): Promise<Page<Workflow>> {
    return this.#pages((query) => listWorkflows(options.state, query), options, { ...pageNames, state: true });
  }

  /** The progress of a workflow and of each of its jobs. @throws {JobNotFoundError} */
  async workflowProgress(workflowId: string, options: CallOptions = {}): Promise<WorkflowProgress> {
    return this.#connection.ask(workflowProgress(workflowId), options);
  }

  /**
   * Cancels a workflow: no further step starts, and jobs that run may finish (ojs-workflows §9.5). @throws
   * {JobNotFoundError}
   */
  async cancelWorkflow(workflowId: string, options: CallOptions = {}): Promise<Workflow> {
    return this.#connection.ask(cancelWorkflow(workflowId), options);
  }

  /**
   * Retries all failed steps of a workflow, which then continues: later steps wait for them again, and steps that have
   * completed do not run again. The server of this project has this operation, others answer `not_found`.
   * @throws {JobNotFoundError} {OJSConflictError} if the workflow could not complete by it; nothing is changed then.
   */
  async retryWorkflow(workflowId: string, options: CallOptions = {}): Promise<Workflow> {
    return this.#connection.ask(retryWorkflow(workflowId), options);
  }

  /**
   * Starts a new workflow with the same steps and arguments as this one. The server of this project has this operation,
   * others answer `not_found`. @throws {JobNotFoundError}
   */
  async rerunWorkflow(workflowId: string, options: CallOptions = {}): Promise<WorkflowHandle<unknown>> {
    const started = await this.#connection.ask(rerunWorkflow(workflowId), options);
    return (await workflows()).handleOfFound(this.#connection, started);
  }

  /**
   * Follows the events of the server. Each loop opens a stream of its own, and `break` closes it. After a broken
   * connection the stream continues behind the last event, so no event is missed; if the server no longer has those
   * events, it sends `system.gap`. A server without streams is polled. Closing the client ends the loop.
   * @throws {OJSValidationError} for wrong options; in the loop the reason of `signal`, and the errors of a call.
   */
  events(options: EventsOptions = {}): AsyncIterable<Event> {
    checkEventsOptions(options);
    return later(async () => (await following()).follow(this.#connection, options));
  }

  /** The manifest of the server, verbatim. */
  async manifest(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.#connection.ask(manifest(), options);
  }

  /** The health report of the server, verbatim, also with status 503 while the server is degraded. */
  async health(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.#connection.ask(health(), options);
  }

  async #ask<T>(operation: Operation<T>, options: CallOptions, names: Names): Promise<T> {
    checkNames(options, names);
    return this.#connection.carry(operation, options);
  }

  async #pages<T>(
    list: (query: PageQuery) => Operation<PageOf<T>>,
    options: PageOptions,
    names: Names = pageNames,
  ): Promise<Page<T>> {
    checkNames(options, names);
    return openPage(firstPage(options), (query) => this.#connection.carry(list(query), options));
  }

  /**
   * Waits for calls in flight, then closes the connections. A transport that was given to the constructor stays open.
   */
  async close(): Promise<void> {
    await this.#producer.close();
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
