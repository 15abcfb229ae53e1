import { type NamesOf, type Transport, uuidv7 } from '@ojs-ts/core';
import { newKey } from '@ojs-ts/core/job';
import { Connection, reconnect } from '../connection/connection.ts';
import { currentFake } from '../connection/fake.ts';
import { pause } from '../connection/pause.ts';
import { readTarget, type UrlOption } from '../connection/target.ts';
import { OJSError } from '../errors.ts';
import type { ArgsIn, ArgsOf, JobDef, JobTypes, NameIn, ResultIn, ResultOf } from '../job/definition.ts';
import type { MiddlewareChain } from '../middleware/chain.ts';
import type { ExecutionMiddleware } from '../middleware/types.ts';
import { checkNames } from '../options/check-names.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs, warnOfSeconds } from '../options/values.ts';
import { callbacksOf } from './execution/callbacks.ts';
import type { JobContext } from './execution/context.ts';
import { Delivery } from './execution/delivery.ts';
import { Execution } from './execution/execution.ts';
import { type Handler, Handlers } from './execution/handlers.ts';
import { isolationFor } from './execution/isolation.ts';
import type { GiveBack } from './execution/outcome.ts';
import { PendingOutcomes } from './execution/pending-outcomes.ts';
import { Reporting } from './execution/reports.ts';
import { BatchedExchange } from './fetch/batched-exchange.ts';
import { FetchLoop } from './fetch/fetch-loop.ts';
import { PlainExchange } from './fetch/plain-exchange.ts';
import { patienceMs, Slots } from './fetch/slots.ts';
import { Health, type WorkerHealth, type WorkerState } from './health.ts';
import { Heartbeat } from './leases/heartbeat.ts';
import type { Directive, Identity } from './leases/heartbeat-message.ts';
import { LeasedJobs } from './leases/leased-jobs.ts';
import { Lifecycle } from './lifecycle.ts';
import type { WorkerOptions, WorkerSettings } from './options.ts';
import { readWorkerOptions, workerNames } from './options.ts';
import { followSignals } from './signals.ts';
import { WorkerSteps } from './steps/worker-steps.ts';
import { Watchdog } from './watchdog.ts';
import { ConnectionLog, logStart, serverOf } from './worker-log.ts';

/**
 * The delay before a job without a handler is available again. Without it, a lone worker would fetch the job in a loop.
 * Milliseconds.
 */
const unknownTypeDelayMs = 5_000;
/**
 * The time for pending outcomes after the grace period. Supervisors kill a process that takes much longer.
 * Milliseconds.
 */
const deliveryMs = 10_000;

/**
 * The server takes a job back if two heartbeats in a row do not list it. Shorter pauses of the event loop are common.
 * Milliseconds.
 */
const minBlockMs = 1_000;
/** The longest that a resumed worker waits until the server knows of it. */
const toldMs = 1_000;
const startNames: NamesOf<NonNullable<Parameters<Worker['start']>[0]>> = { signal: true };
const stopNames: NamesOf<NonNullable<Parameters<Worker['stop']>[0]>> = { timeout: true };
/** Registered process-wide: the worker may come from another copy of this package. */
export const handlersOf: unique symbol = Symbol.for('@ojs-ts/sdk.handlers');

/**
 * Fetches jobs and runs their handlers. A worker runs once: create a new one after `stop()`. `R` names the job types,
 * see {@link JobTypes}.
 */
export class Worker<R = JobTypes> implements AsyncDisposable {
  /** A new id for every worker. */
  readonly workerId: string = uuidv7();
  readonly #identity: Identity = { worker_id: this.workerId, worker_secret: newKey() };
  readonly #settings: WorkerSettings;
  readonly #connection: Connection;
  readonly #lifecycle = new Lifecycle();
  readonly #handlers = new Handlers();
  readonly #leasedJobs = new LeasedJobs();
  readonly #slots: Slots;
  readonly #outcomes = new PendingOutcomes();
  readonly #health: Health;
  readonly #execution: Execution;
  readonly #delivery: Delivery;
  readonly #fetchLoop: FetchLoop;
  readonly #heartbeat: Heartbeat;
  readonly #watchdog: Watchdog;

  /**
   * @param target URL of a server, or a transport such as the one of `openEmbedded()`. Default: `OJS_BACKEND_URL`, else
   * http://localhost:8080.
   * @throws {OJSValidationError} for an unknown option, and for a wrong target, option or environment variable.
   */
  constructor(target?: string | Transport, options?: WorkerOptions);
  /** The same with one object: `new Worker({ url: undefined, queues: ['email'] })`. */
  constructor(options: UrlOption & WorkerOptions);
  constructor(first?: string | Transport | (UrlOption & WorkerOptions), second?: WorkerOptions) {
    const { target, options } = readTarget<WorkerOptions>(first, second, workerNames, 'Worker');
    this.#settings = readWorkerOptions(options);
    this.#connection = new Connection(target, options);
    warnOfSeconds(options.shutdownTimeout, 'shutdownTimeout', this.#connection.logger);
    this.#slots = new Slots(this.#settings.concurrency, this.#settings.prefetch, this.#settings.paced);
    this.#health = new Health(this.#slots, this.#settings.watchdogMs);
    const { logger } = this.#connection;
    const callbacks = callbacksOf(options, logger);
    const changed = () => this.#changed();
    const connectionLog = new ConnectionLog(logger, serverOf(this.#connection.http));
    const shared = {
      leasedJobs: this.#leasedJobs,
      slots: this.#slots,
      outcomes: this.#outcomes,
      callbacks,
      logger,
      connectionLog,
      changed,
      isolation: isolationFor(this.#connection.http !== null),
    };
    this.#delivery = new Delivery(shared);
    this.#execution = new Execution({
      ...shared,
      visibilityMs: this.#settings.visibilityMs,
      ...(this.#settings.paced && { patienceMs }),
      reporting: new Reporting(this.#connection, this.workerId),
      steps: new WorkerSteps({
        connection: this.#connection,
        workerId: this.workerId,
        suspendAfterMs: this.#settings.suspendAfterMs,
        client: options.client,
      }),
      perform: (context) => this.#handlers.perform(context),
      unknownType: (jobType) => this.#unknownType(jobType),
      heartbeat: () => this.#heartbeat.beat(),
    });
    this.#fetchLoop = new FetchLoop(
      {
        ...shared,
        delivery: this.#delivery,
        pollMs: this.#settings.pollMs,
        beginFetch: (requestId) => this.#leasedJobs.beginFetch(requestId),
        endFetch: (requestId) => this.#leasedJobs.endFetch(requestId),
        begin: (wire, now) => this.#execution.begin(wire, now),
        refuse: (wire, now) => this.#execution.refuse(wire, now),
        fetched: () => this.#fetched(),
        stoodStill: (sentAt) => this.#watchdog.stoodStill(sentAt),
        changed: () => this.#leasedJobs.changed(),
        broken: (error) => this.#break(error),
      },
      new BatchedExchange(this.#connection, this.#identity, this.#settings),
      new PlainExchange(this.#connection, this.#identity, this.#settings),
    );
    this.#heartbeat = new Heartbeat({
      connection: this.#connection,
      leasedJobs: this.#leasedJobs,
      settings: this.#settings,
      identity: this.#identity,
      connectionLog,
      state: () => this.#lifecycle.reported,
      lose: (leased, message) => this.#execution.lose(leased, message),
      obey: (order) => this.#obey(order),
      beaten: () => this.#health.beaten(),
      answersLost: () => this.#fetchLoop.renew(),
    });
    this.#watchdog = new Watchdog({
      limitMs: this.#settings.watchdogMs,
      blockMs: Math.max(this.#settings.heartbeatMs, minBlockMs),
      wants: () => this.#lifecycle.takesJobs && this.#slots.active < this.#slots.concurrency,
      stale: (ms) => this.#rebuild(ms),
      pulse: () => this.#heartbeat.pulse(),
    });
  }

  get state(): WorkerState {
    return this.#lifecycle.state;
  }

  /** Resolves when the server has answered the first fetch. Rejects if the worker ends before. */
  get ready(): Promise<void> {
    return this.#lifecycle.ready;
  }

  /**
   * Middleware around every handler, the first one outermost. It may change at any time; a running job keeps its chain.
   */
  get middlewares(): MiddlewareChain<ExecutionMiddleware> {
    return this.#handlers.middlewares;
  }

  /**
   * Adds a middleware innermost.
   * @throws {OJSValidationError} if the name is taken.
   */
  middleware(middleware: ExecutionMiddleware, name?: string): this {
    this.middlewares.add(middleware, name);
    return this;
  }

  /**
   * Registers the handler of a job type. Its return value is the job's result. A result that cannot be sent (a BigInt,
   * a function, a Map, a cycle) fails the job with the error type `invalid_result`, and one that is too large with
   * `result_too_large`. Such a job is not retried, because the handler would do its work again and return the same. If
   * the definition has schemas, the handler gets the parsed args. Args that the schema refuses discard the job; a
   * result that it refuses fails the attempt. Both have the error type `validation`.
   * @throws {OJSValidationError} for a malformed type, or a second handler.
   */
  register<D extends JobDef>(
    job: D,
    handler: (context: JobContext<ArgsOf<D>>) => ResultOf<D> | Promise<ResultOf<D>>,
  ): this;
  register<T extends NameIn<R>, A extends ArgsIn<R, T>>(jobType: T, handler: Handler<A, ResultIn<R, T>>): this;
  /** Both overloads in one, and last: TypeScript reports the errors of the last overload. */
  register<T extends JobDef | NameIn<R>>(
    job: T,
    handler: T extends JobDef
      ? (context: JobContext<ArgsOf<T>>) => ResultOf<T> | Promise<ResultOf<T>>
      : Handler<ArgsIn<R, T>, ResultIn<R, T>>,
  ): this;
  register(job: string | JobDef, handler: Handler): this {
    this.#handlers.add(job, handler);
    return this;
  }

  /** Same as `register`. */
  handler<D extends JobDef>(
    job: D,
    handler: (context: JobContext<ArgsOf<D>>) => ResultOf<D> | Promise<ResultOf<D>>,
  ): this;
  handler<T extends NameIn<R>, A extends ArgsIn<R, T>>(jobType: T, handler: Handler<A, ResultIn<R, T>>): this;
  handler<T extends JobDef | NameIn<R>>(
    job: T,
    handler: T extends JobDef
      ? (context: JobContext<ArgsOf<T>>) => ResultOf<T> | Promise<ResultOf<T>>
      : Handler<ArgsIn<R, T>, ResultIn<R, T>>,
  ): this;
  handler(job: string | JobDef, handler: Handler): this {
    this.#handlers.add(job, handler);
    return this;
  }

  /**
   * Works until `stop()`, an abort of `signal`, SIGTERM, SIGINT, or a directive of the server. Resolves after the
   * drain.
   * @throws {OJSAuthenticationError} if the server refuses the token at the first fetch; {OJSPermissionError} whenever
   * the token lacks the scope `work`; {OJSError} if the worker was started before.
   */
  async start(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    checkNames(options, startNames);
    if (currentFake() !== null)
      throw new OJSError(
        'A worker cannot start in fake or inline mode, which have no server: pass it to useWorker() and call drain().',
      );
    this.#lifecycle.begin();
    logStart(this.#connection, this.workerId, this.#settings, this.#handlers);
    const terminate = () => this.#terminate(this.#settings.shutdownMs);
    const leave = this.#settings.handleSignals
      ? followSignals({ terminate, quiet: () => this.quiet(), resume: () => this.resume() })
      : () => {};
    options.signal?.addEventListener('abort', terminate, { once: true });
    if (options.signal?.aborted) terminate();
    try {
      if (this.state !== 'terminate') {
        this.#watchdog.start();
        this.#heartbeat.start();
        this.#flow();
      }
      await this.#lifecycle.ending;
      await this.#drain();
      await this.#connection[Symbol.asyncDispose]();
    } finally {
      options.signal?.removeEventListener('abort', terminate);
      leave();
      this.#end();
      this.#connection.logger.info('worker stopped', { worker_id: this.workerId });
    }
    this.#lifecycle.throwIfBroken();
  }

  /**
   * Stops the worker. It fetches no new jobs, and running handlers have up to `timeout` (default: `shutdownTimeout`) to
   * finish. Then their signals abort, and their jobs go back without counting the attempt. Pending outcomes are sent
   * until their lease ends, for at most 10 s after the grace period; the log has those that are lost, and their jobs
   * run again. A second call waits for the same end; a shorter `timeout` brings it forward.
   */
  async stop(options: { timeout?: Duration | undefined } = {}): Promise<void> {
    checkNames(options, stopNames);
    warnOfSeconds(options.timeout, 'timeout', this.#connection.logger);
    const ms = options.timeout === undefined ? this.#settings.shutdownMs : durationMs(options.timeout, 'timeout');
    if (this.#lifecycle.isNew) {
      this.#end();
      await this.#connection[Symbol.asyncDispose]();
      return;
    }
    this.#terminate(ms);
    await this.#lifecycle.ended;
  }

  /**
   * Runs the worker until `work` has settled, and returns its outcome.
   * @throws {OJSError} if the worker stops first.
   */
  async runUntil<T>(work: Promise<T> | (() => Promise<T>)): Promise<T> {
    const running = this.start();
    const early = running.then(() => {
      throw new OJSError('The worker stopped before the work was done.');
    });
    early.catch(() => {});
    try {
      return await Promise.race([typeof work === 'function' ? work() : work, early]);
    } finally {
      await this.stop();
    }
  }

  /** Fetches no new jobs until `resume()`. Running jobs and heartbeats continue. */
  quiet(): void {
    this.#setQuiet('quietByUser', true);
  }

  /** Ends a quiet of `quiet()` or SIGTSTP. A quiet that the server ordered ends only by the server. */
  resume(): void {
    this.#setQuiet('quietByUser', false);
  }

  /** Gives the handlers to `/testing`, which runs them without a server. */
  get [handlersOf](): Handlers {
    return this.#handlers;
  }

  /** The state of the worker, for probes and metrics. It makes no request. */
  health(): WorkerHealth {
    return this.#health.of(this.state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #setQuiet(by: 'quietByUser' | 'quietByServer', isQuiet: boolean): void {
    const took = this.#lifecycle.takesJobs;
    this.#lifecycle[by] = isQuiet;
    if (this.#lifecycle.takesJobs && !took) void this.#reopen();
    else this.#flow();
  }

  /** Our server gives no jobs to a worker whose last heartbeat said quiet, so it hears first that the quiet is over. */
  async #reopen(): Promise<void> {
    this.#heartbeat.pulse();
    const told = new AbortController();
    void this.#heartbeat.tell().then(() => told.abort());
    if (this.#fetchLoop.extended) await pause(toldMs, told.signal);
    this.#flow();
  }

  #flow(): void {
    if (this.#lifecycle.takesJobs) this.#fetchLoop.open();
    else {
      this.#fetchLoop.close();
      this.#execution.returnWaiting();
    }
    this.#heartbeat.pulse();
  }

  /**
   * Gives the job back, so that a rolling update loses no job: another worker may have the handler. On a server without
   * delays the job's retry policy spaces the attempts.
   */
  #unknownType(jobType: string): GiveBack | null {
    if (this.#handlers.has(jobType)) return null;
    const message = this.#handlers.missing(jobType);
    const advice =
      'The job goes back and waits for a worker that has one: ' +
      `call register('${jobType}', …) before start(), or leave its queue to others`;
    this.#connection.logger.error(`no handler: ${message} ${advice}`, {
      job_type: jobType,
      queues: this.#settings.queues,
    });
    const failure = { code: 'handler_not_found', type: 'handler_not_found', message, retryable: true };
    return this.#fetchLoop.extended ? { failure, requeue: true, delayMs: unknownTypeDelayMs } : { failure };
  }

  #obey(order: Directive): void {
    if (order === 'terminate') this.#terminate(this.#settings.shutdownMs);
    else if (order !== null) this.#setQuiet('quietByServer', order === 'quiet');
  }

  #fetched(): void {
    this.#watchdog.fetched();
    if (this.#health.fetched()) this.#lifecycle.fetched();
  }

  #changed(): void {
    this.#fetchLoop.schedule();
    this.#leasedJobs.changed();
  }

  #rebuild(ms: number): void {
    const rebuilt = reconnect(this.#connection);
    if (rebuilt) this.#health.rebuilt();
    const what = rebuilt ? 'the connection is made anew' : 'the transport was given and is left as it is';
    this.#connection.logger.error(`fetch unanswered: ${what}`, {
      worker_id: this.workerId,
      silent_s: Math.round(ms / 1000),
    });
  }

  #break(error: unknown): void {
    this.#lifecycle.break(error);
    this.#terminate(this.#settings.shutdownMs);
  }

  #terminate(ms: number): void {
    if (this.#lifecycle.terminate(ms)) this.#flow();
  }

  async #drain(): Promise<void> {
    const delivered = () => this.#outcomes.undelivered === 0 && !this.#fetchLoop.busy;
    await this.#leasedJobs.until(() => this.#slots.active === 0 && delivered(), this.#lifecycle.patienceOver);
    this.#execution.interrupt();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    // The server refuses an outcome after its lease has ended.
    const timer = setTimeout(resolve, Math.min(this.#settings.visibilityMs, deliveryMs));
    await this.#leasedJobs.until(delivered, late);
    clearTimeout(timer);
    this.#fetchLoop.giveUp();
    this.#delivery.close();
    await this.#heartbeat.stop();
  }

  #end(): void {
    this.#watchdog.stop();
    this.#lifecycle.end();
    this.#execution.close();
  }
}
