import type { NamesOf } from '@ojs-ts/core';
import { currentFake } from '../connection/fake.ts';
import { defaultQueue, readTarget, type UrlOption } from '../connection/target.ts';
import { batchLimit, enqueueBatch, surelyTaken } from '../enqueue/batches.ts';
import { reportEnqueued } from '../enqueue/producer.ts';
import { type Checked, checkNow, complete, requestOf } from '../enqueue/request.ts';
import { enqueueOne, type Sent } from '../enqueue/single.ts';
import { checkType, parsedJobNow } from '../enqueue/typed.ts';
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
import { withArgs } from '../job/handle.ts';
import type { Job } from '../job/job.ts';
import { jobOf } from '../job/new-job.ts';
import { callNames, inQueue, type JobOptions } from '../job/options.ts';
import { atIndex } from '../job/validate-request.ts';
import { startingFrom, type WireRequest } from '../job/wire.ts';
import type { JsonArray } from '../json.ts';
import {
  type CronJob,
  type CronJobOptions,
  type CronJobRequest,
  checkedCron,
  cronCall,
  registerCronJob,
} from '../operations/cron.ts';
import { getJob } from '../operations/jobs/jobs.ts';
import { readTraits, type ServerTraits } from '../operations/manifest.ts';
import { firstPage } from '../operations/page.ts';
import { called } from '../operations/row.ts';
import { checkNames } from '../options/check-names.ts';
import type { PayloadOf, SignalDef } from '../signal/definition.ts';
import {
  checkedSignal,
  jobMailbox,
  type SignalOptions,
  type SignalOutcome,
  type TokenSignalOptions,
  tokenMailbox,
} from '../signal/send.ts';
import { specVersion } from '../version.ts';
import { createWorkflow } from '../workflow/calls.ts';
import type { WorkflowDefinition } from '../workflow/definition.ts';
import { textOfNow } from '../workflow/start.ts';
import type { Workflow } from '../workflow/workflow.ts';
import { type Blocking, openPage, syncRows } from './calls.ts';
import { type SyncCallOptions, SyncConnection, type SyncConnectionOptions, syncConnectionNames } from './connection.ts';

/** Options of a blocking client: those of `Client` that can be passed to a thread. */
export interface SyncClientOptions extends SyncConnectionOptions {
  /** Queue of jobs that name none. Default: `OJS_QUEUE`, else the server's `default`. */
  queue?: string | undefined;
  /** Called for every job that this client has enqueued, but not for duplicates. The client logs its errors. */
  onJobEnqueued?: ((job: Job) => void) | undefined;
}

const clientNames: NamesOf<SyncClientOptions> = { ...syncConnectionNames, queue: true, onJobEnqueued: true };

/** A job that was sent. `duplicate` is the existing job, if the unique key was taken. */
export interface EnqueuedJob<A extends JsonArray = JsonArray, R = unknown> extends Job<A, R> {
  readonly outcome: Sent['outcome'];
}

/** The jobs of a batch, in its order. */
export type EnqueuedOf<L extends readonly JobRequest[]> = {
  -readonly [K in keyof L]: L[K] extends JobRequest<infer A, infer R> ? EnqueuedJob<A, R> : never;
};

/** The methods of `Client` without code of their own here. */
// biome-ignore lint/correctness/noUnusedVariables: an interface has the type parameters of its class.
export interface SyncClient<R = JobTypes> extends Blocking<typeof syncRows> {}

/**
 * A blocking client with every operation of `Client`, for scripts and tests on Node, Bun and Deno. A thread of its own
 * makes the calls: it starts with the first one and never keeps the process alive. In fake mode there is no thread.
 * Middleware, handles and events are asynchronous, so this client has none: use a `Client` for them.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the loop in the class defines exactly these.
export class SyncClient<R = JobTypes> implements Disposable {
  static readonly specVersion = specVersion;
  static {
    for (const [name, row] of Object.entries(syncRows)) {
      const { [name]: value } = {
        [name](this: SyncClient, ...args: unknown[]): unknown {
          const { made, options } = called(row, args);
          if (typeof made !== 'function') return this.#connection.carry(made, options);
          return openPage(firstPage(options), (query) => this.#connection.carry(made(query), options));
        },
      };
      Object.defineProperty(SyncClient.prototype, name, { value, configurable: true, writable: true });
    }
  }

  readonly #connection: SyncConnection;
  readonly #queue: string | undefined;
  readonly #onJobEnqueued: SyncClientOptions['onJobEnqueued'];
  #traits: ServerTraits | null = null;
  #batchLimit: number | null = null;

  /**
   * @param url Default: `OJS_BACKEND_URL`, else http://localhost:8080.
   * @throws {OJSValidationError} for a wrong URL, option or environment variable, and for an unknown option.
   */
  constructor(url?: string, options?: SyncClientOptions);
  /** The same with one object: `new SyncClient({ url: 'https://jobs.example.com', token })`. */
  constructor(options: UrlOption & SyncClientOptions);
  constructor(first?: string | (UrlOption & SyncClientOptions), second?: SyncClientOptions) {
    const { target, options } = readTarget<SyncClientOptions>(first, second, clientNames, 'SyncClient');
    this.#connection = new SyncConnection(target, options);
    this.#queue = defaultQueue(options.queue);
    this.#onJobEnqueued = options.onJobEnqueued;
  }

  /**
   * Enqueues a job (PUSH, ojs-core §7.1), as `Client.enqueue`.
   * @throws {OJSValidationError} before anything is sent, also for a schema that checks asynchronously; the errors of a
   * call.
   */
  enqueue<D extends JobDef>(
    job: D,
    args: Jsonable<InputOf<D>>,
    options?: JobOptions & SyncCallOptions,
  ): EnqueuedJob<ArgsOf<D>, ResultOf<D>>;
  enqueue<T extends NameIn<R>>(
    jobType: T,
    args: ArgsIn<R, T>,
    options?: JobOptions & SyncCallOptions,
  ): EnqueuedJob<ArgsIn<R, T>, ResultIn<R, T>>;
  enqueue(job: string | JobDef, args: JsonArray, options: JobOptions & SyncCallOptions = {}): EnqueuedJob {
    const request = requestOf(job, args, options, this.#queue);
    const checked = checkNow(request, this.#connection.logger);
    const [wire = checked.wire] = this.#timed([checked.wire], options);
    return this.#enqueued(checked, this.#connection.carry(enqueueOne(wire), options));
  }

  /**
   * Enqueues all jobs or none, in their order, with one request.
   * @throws {OJSValidationError} for a bad job, with its index.
   */
  enqueueBatch<const L extends readonly JobRequest[]>(requests: L, options?: SyncCallOptions): EnqueuedOf<L>;
  enqueueBatch(requests: readonly JobRequest[], options: SyncCallOptions = {}): EnqueuedJob[] {
    checkNames(options, callNames);
    const own = requests.map((request, index) => {
      try {
        return checkNow(complete(request, this.#queue), this.#connection.logger);
      } catch (error) {
        throw atIndex(index, error);
      }
    });
    const limit = own.length > surelyTaken ? this.#limit(options) : null;
    const wires = this.#timed(
      own.map(({ wire }) => wire),
      options,
    );
    const sent = this.#connection.ask(enqueueBatch(wires, limit), options);
    return sent.flatMap((one, index) => {
      const about = own[index];
      return about === undefined ? [] : [this.#enqueued(about, one)];
    });
  }

  /**
   * Reads a job (INFO), as `Client.getJob`.
   * @throws {OJSValidationError} if the job's type is not the definition's.
   */
  getJob(jobId: string, options?: SyncCallOptions): Job;
  getJob<D extends JobDef>(definition: D, jobId: string, options?: SyncCallOptions): Job<ArgsOf<D>, ResultOf<D>>;
  getJob(first: string | JobDef, second?: string | SyncCallOptions, third: SyncCallOptions = {}): Job {
    if (typeof first === 'string') return this.#connection.ask(getJob(first), typeof second === 'object' ? second : {});
    const job = this.#connection.ask(getJob(typeof second === 'string' ? second : ''), third);
    checkType(job, first);
    return parsedJobNow(job, first);
  }

  /**
   * Starts a workflow.
   * @throws {OJSValidationError} before anything is sent, with the path of the bad step.
   */
  workflow(definition: WorkflowDefinition, options: SyncCallOptions = {}): Workflow {
    checkNames(options, callNames);
    const write = textOfNow(definition, this.#queue);
    const { id, text } = write(this.#traitsOf(options), this.#connection.clock.now());
    return this.#connection.ask(createWorkflow(id, text), options);
  }

  /**
   * Registers a cron, or changes the one of this name.
   * @throws {OJSValidationError} before anything is sent.
   */
  registerCronJob<D extends JobDef>(
    name: string,
    cron: string,
    job: D,
    args: Jsonable<InputOf<D>>,
    options?: CronJobOptions & SyncCallOptions,
  ): CronJob;
  registerCronJob<T extends NameIn<R>>(
    name: string,
    cron: string,
    jobType: T,
    args?: ArgsIn<R, T>,
    options?: CronJobOptions & SyncCallOptions,
  ): CronJob;
  registerCronJob(request: CronJobRequest, options?: SyncCallOptions): CronJob;
  /** Both overloads in one, and last: TypeScript reports the errors of the last overload. */
  registerCronJob<T extends JobDef | NameIn<R>>(
    name: string,
    cron: string,
    job: T,
    args: T extends JobDef ? Jsonable<InputOf<T>> : ArgsIn<R, T>,
    options?: CronJobOptions & SyncCallOptions,
  ): CronJob;
  registerCronJob(
    first: string | CronJobRequest,
    second?: string | SyncCallOptions,
    type?: string | JobDef,
    args?: JsonArray,
    third?: CronJobOptions & SyncCallOptions,
  ): CronJob {
    const { request, options = {} } = cronCall(first, second, type, args, third);
    return this.#connection.carry(
      registerCronJob(inQueue(checkedCron(request), this.#queue), this.#connection.logger),
      options,
    );
  }

  /** Sends a signal to a job, as `Client.signal`. @throws {OJSValidationError} also for an asynchronous schema. */
  signal<D extends SignalDef>(
    job: string | { readonly id: string },
    signal: D,
    payload: Jsonable<PayloadOf<D>>,
    options?: Omit<SignalOptions, 'signal'>,
  ): SignalOutcome;
  signal(
    job: string | { readonly id: string },
    signal: string,
    payload?: unknown,
    options?: Omit<SignalOptions, 'signal'>,
  ): SignalOutcome;
  signal(
    job: string | { readonly id: string },
    signal: SignalDef | string,
    payload?: unknown,
    options: Omit<SignalOptions, 'signal'> = {},
  ): SignalOutcome {
    return this.#connection.carry(checkedSignal(jobMailbox(job, signal, options), payload), options);
  }

  /** Sends a signal to the job that waits for a token, as `Client.signalToken`. */
  signalToken(token: string, payload?: unknown, options: Omit<TokenSignalOptions, 'signal'> = {}): SignalOutcome {
    return this.#connection.carry(checkedSignal(tokenMailbox(token, options), payload), options);
  }

  /** Ends the thread. Later calls throw. */
  close(): void {
    this.#connection[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Delays as the server takes them, as `withDelays` of the asynchronous client. */
  #timed(wires: readonly WireRequest[], options: SyncCallOptions): readonly WireRequest[] {
    if (currentFake() !== null || !wires.some(({ isDelayed }) => isDelayed)) return wires;
    const began = performance.now();
    if (this.#takesDurations(options)) return wires;
    const now = this.#connection.clock.now() - (performance.now() - began);
    return wires.map((wire) => startingFrom(wire, now));
  }

  #takesDurations(options: SyncCallOptions): boolean {
    try {
      return this.#traitsOf(options).relativeTimes;
    } catch {
      return false;
    }
  }

  /** Read once; but each time in a fake, whose answer does not hold for the server after the test. */
  #traitsOf(options: SyncCallOptions): ServerTraits {
    const ask = () => this.#connection.carry(readTraits(), options);
    if (currentFake() !== null) return ask();
    this.#traits ??= ask();
    return this.#traits;
  }

  #limit(options: SyncCallOptions): number | null {
    const ask = () => this.#connection.ask(batchLimit(), options);
    if (currentFake() !== null) return ask();
    this.#batchLimit ??= ask();
    return this.#batchLimit;
  }

  #enqueued({ definition, parsed }: Checked, { job, outcome }: Sent): EnqueuedJob {
    const current =
      outcome === 'duplicate' && definition !== undefined
        ? parsedJobNow(jobOf(job), definition)
        : withArgs(jobOf(job), parsed);
    const enqueued = { ...current, outcome };
    reportEnqueued(this.#onJobEnqueued, enqueued, this.#connection.logger);
    return enqueued;
  }
}
