import type { NamesOf, Transport } from '@ojs-ts/core';
import { Connection, type ConnectionOptions, connectionNames } from '../connection/connection.ts';
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
import type { Job } from '../job/job.ts';
import type { CallOptions, EnqueueOptions } from '../job/options.ts';
import type { JsonArray } from '../json.ts';
import { MiddlewareChain } from '../middleware/chain.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import { type CronJob, type CronJobOptions, type CronJobRequest, cronRows, registerCron } from '../operations/cron.ts';
import { deadLetterRows } from '../operations/jobs/dead-letter.ts';
import { cancelJob, clientJobRows, getJob, jobRows } from '../operations/jobs/jobs.ts';
import { serverRows } from '../operations/manifest.ts';
import { clientQueueRows, queueRows } from '../operations/queues.ts';
import type { Methods } from '../operations/row.ts';
import { schemaRows } from '../operations/schemas.ts';
import type { PayloadOf, SignalDef } from '../signal/definition.ts';
import type { SignalOptions, SignalOutcome, TokenSignalOptions } from '../signal/send.ts';
import { specVersion } from '../version.ts';
import { getWorkflow, rerunWorkflow, workflowRows } from '../workflow/calls.ts';
import type { WorkflowDefinition } from '../workflow/definition.ts';
import type { WorkflowHandle } from '../workflow/handle.ts';
import { later, loaded } from './lazy-code.ts';
import { addMethods } from './methods.ts';

// Loaded with their first use: a quarter of a bundled client.
const following = () => loaded(import('../events/follow.ts'));
const waiting = () => loaded(import('../events/job-end.ts'));
const workflows = () => loaded(import('../workflow/open.ts'));
const signals = () => loaded(import('../signal/send.ts'));

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

/** The type names the tables, so that their docstrings reach editors. */
export type ClientRows = typeof jobRows &
  typeof clientJobRows &
  typeof queueRows &
  typeof clientQueueRows &
  typeof cronRows &
  typeof deadLetterRows &
  typeof schemaRows &
  typeof workflowRows &
  typeof serverRows;
export const clientRows: ClientRows = {
  ...{ ...jobRows, ...clientJobRows, ...queueRows, ...clientQueueRows, ...cronRows },
  ...{ ...deadLetterRows, ...schemaRows, ...workflowRows, ...serverRows },
};

/** The methods that the rows describe. */
// biome-ignore lint/correctness/noUnusedVariables: an interface has the type parameters of its class.
export interface Client<R = JobTypes> extends Methods<ClientRows> {}

/** Enqueues jobs and manages them. `R` is a registry of job types for calls by name. Default: {@link JobTypes}. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the class gets exactly these methods.
export class Client<R = JobTypes> implements AsyncDisposable {
  static readonly specVersion = specVersion;
  static {
    addMethods(Client.prototype, clientRows, (client) => client.#connection);
  }

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

  /**
   * Starts a new workflow with the same steps and arguments as this one. The server of this project has this operation,
   * others answer `not_found`. @throws {JobNotFoundError}
   */
  async rerunWorkflow(workflowId: string, options: CallOptions = {}): Promise<WorkflowHandle<unknown>> {
    const started = await this.#connection.ask(rerunWorkflow(workflowId), options);
    return (await workflows()).handleOfFound(this.#connection, started);
  }

  /**
   * Sends a signal to a job, whose handler reads it with `ctx.wait()`. The job may wait for it before or after this call.
   * If the definition has a schema, the client checks the payload. Encryption encodes it.
   * @throws {OJSValidationError} before anything is sent; {JobNotFoundError}; {JobEndedError}; {OJSAPIError}
   * `mailbox_full` behind 1,000 unread signals, and `step_too_large` for more than 1 MiB of JSON.
   */
  signal<D extends SignalDef>(
    job: string | { readonly id: string },
    signal: D,
    payload: Jsonable<PayloadOf<D>>,
    options?: SignalOptions,
  ): Promise<SignalOutcome>;
  signal(
    job: string | { readonly id: string },
    signal: string,
    payload?: unknown,
    options?: SignalOptions,
  ): Promise<SignalOutcome>;
  signal(
    job: string | { readonly id: string },
    signal: SignalDef | string,
    payload?: unknown,
    options: SignalOptions = {},
  ): Promise<SignalOutcome> {
    const chain = this.middlewares.all;
    return this.#producer.during('signal.send', async () => {
      const { jobMailbox, sendThrough } = await signals();
      return sendThrough(this.#connection, chain, jobMailbox(job, signal, options), payload, options);
    });
  }

  /**
   * Sends a signal to the job that waits for this token, now or later: `ctx.wait(signal, { token })`. The sender need not
   * know the id of that job. @throws as {@link signal}.
   */
  signalToken(token: string, payload?: unknown, options: TokenSignalOptions = {}): Promise<SignalOutcome> {
    const chain = this.middlewares.all;
    return this.#producer.during('signal.send', async () => {
      const { tokenMailbox, sendThrough } = await signals();
      return sendThrough(this.#connection, chain, tokenMailbox(token, options), payload, options);
    });
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
