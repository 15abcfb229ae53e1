import { type Transport, uuidv7 } from '@ojs-ts/core';
import { platform } from '#platform';
import { Connection } from './connection.ts';
import type { JobContext } from './context.ts';
import { type Duration, durationMs, timerMs } from './duration.ts';
import { OJSError, OJSValidationError } from './errors.ts';
import type { JsonArray } from './job.ts';
import { isJobType } from './names.ts';
import { Delivery } from './worker/delivery.ts';
import { Exchange } from './worker/exchange.ts';
import { Execution } from './worker/execution.ts';
import { Fallback } from './worker/fallback.ts';
import { healthOf, type WorkerHealth, type WorkerState } from './worker/health.ts';
import { Heartbeat, type Order } from './worker/heartbeat.ts';
import { Holdings } from './worker/holdings.ts';
import { readWorkerOptions, type WorkerOptions, type WorkerSettings } from './worker/options.ts';
import { Outbox } from './worker/outbox.ts';
import type { GiveBack } from './worker/outcome.ts';
import { followSignals } from './worker/signals.ts';
import { Slots } from './worker/slots.ts';
import { Turns } from './worker/turns.ts';

export type Handler<A extends JsonArray = JsonArray> = (context: JobContext<A>) => unknown;

/** A job that no handler is known for goes to somebody else, but not at once: alone with it, this worker would get it in a loop. */
const unknownTypeDelayMs = 5_000;
/** For outcomes that are still on their way after the grace period. Supervisors kill a process that takes much longer than it was given. */
const deliveryMs = 10_000;

/** Fetches jobs and runs their handlers. A worker runs once: after `stop()` make a new one. */
export class Worker implements AsyncDisposable {
  /** Fresh for every worker. */
  readonly workerId: string = uuidv7();
  /** Resolves when the first fetch was answered; rejects where the worker ends before. */
  readonly ready: Promise<void>;
  readonly #settings: WorkerSettings;
  readonly #connection: Connection;
  readonly #handlers = new Map<string, Handler>();
  readonly #holdings = new Holdings();
  readonly #slots: Slots;
  readonly #outbox = new Outbox();
  readonly #execution: Execution;
  readonly #delivery: Delivery;
  readonly #turns: Turns;
  readonly #heartbeat: Heartbeat;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ending = Promise.withResolvers<void>();
  readonly #patienceOver = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #patience = new Set<ReturnType<typeof setTimeout>>();
  #phase: 'new' | 'started' | 'terminate' | 'ended' = 'new';
  #quietByUser = false;
  #quietByServer = false;
  #broken: { readonly error: unknown } | null = null;
  #lastFetch: number | undefined;
  #lastHeartbeat: number | undefined;

  /**
   * @param target URL of a server, or a transport such as `openEmbedded()` gives. Default: `OJS_BACKEND_URL`, else http://localhost:8080.
   * @throws {OJSValidationError} for a target or an option that cannot be used.
   */
  constructor(target?: string | Transport, options: WorkerOptions = {}) {
    this.#settings = readWorkerOptions(options);
    this.#connection = new Connection(target, options);
    this.#slots = new Slots(this.#settings.concurrency);
    this.ready = this.#ready.promise;
    this.ready.catch(() => {});
    const { logger } = this.#connection;
    const shared = { holdings: this.#holdings, slots: this.#slots, outbox: this.#outbox, logger, changed: () => this.#changed() };
    this.#delivery = new Delivery(shared);
    this.#execution = new Execution({
      ...shared,
      visibilityMs: this.#settings.visibilityMs,
      perform: (context) => this.#perform(context),
      unknownType: (jobType) => this.#unknownType(jobType),
      heartbeat: () => this.#heartbeat.beat(),
    });
    this.#turns = new Turns(
      {
        ...shared,
        delivery: this.#delivery,
        pollMs: this.#settings.pollMs,
        begin: (wire, now) => this.#execution.begin(wire, now),
        refuse: (wire, now) => this.#execution.refuse(wire, now),
        fetched: () => this.#fetched(),
        changed: () => this.#holdings.changed(),
        broken: (error) => this.#break(error),
      },
      new Exchange(this.#connection, this.workerId, this.#settings),
      new Fallback(this.#connection, this.workerId, this.#settings),
    );
    this.#heartbeat = new Heartbeat({
      connection: this.#connection,
      holdings: this.#holdings,
      settings: this.#settings,
      about: { worker_id: this.workerId, hostname: platform.hostname, pid: platform.pid, started_at: new Date().toISOString() },
      state: () => this.#lifecycle(),
      lose: (held, message) => this.#execution.lose(held, message),
      obey: (order) => this.#obey(order),
      beaten: () => {
        this.#lastHeartbeat = Date.now();
      },
    });
  }

  get state(): WorkerState {
    return this.#phase === 'new' || this.#phase === 'ended' ? 'idle' : this.#lifecycle();
  }

  /**
   * The handler of a job type; what it returns becomes the job's result. A result that is no JSON, or that the server refuses, is left out with
   * an error in the log: the job has completed all the same.
   * @throws {OJSValidationError} for a malformed type, or a second handler.
   */
  register<A extends JsonArray>(jobType: string, handler: Handler<A>): this;
  register(jobType: string, handler: Handler): this {
    if (!isJobType(jobType))
      throw OJSValidationError.of('jobType', `expected lower-case words joined by dots, got ${JSON.stringify(jobType)}`);
    if (this.#handlers.has(jobType)) throw OJSValidationError.of('jobType', `${jobType} has a handler already`);
    this.#handlers.set(jobType, handler);
    return this;
  }

  /** Same as `register`. */
  handler<A extends JsonArray>(jobType: string, handler: Handler<A>): this {
    return this.register(jobType, handler);
  }

  /**
   * Works until it is told to end: by `stop()`, an abort of `signal`, SIGTERM or SIGINT, or the server. Resolves after the drain.
   * @throws what kept the worker from going on, such as {OJSAuthenticationError} from the first fetch.
   */
  async start(options: { signal?: AbortSignal } = {}): Promise<void> {
    if (this.#phase !== 'new')
      throw new OJSError(`A worker starts once; this one is ${this.#phase === 'ended' ? 'stopped' : 'running'}. Make a new one.`);
    this.#phase = 'started';
    const terminate = () => this.#terminate(this.#settings.shutdownMs);
    const leave = this.#settings.handleSignals
      ? followSignals({ terminate, quiet: () => this.quiet(), resume: () => this.resume() })
      : () => {};
    options.signal?.addEventListener('abort', terminate, { once: true });
    if (options.signal?.aborted) terminate();
    try {
      if (this.#phase === 'started') {
        this.#heartbeat.start();
        this.#flow();
      }
      await this.#ending.promise;
      await this.#drain();
      await this.#connection[Symbol.asyncDispose]();
    } finally {
      options.signal?.removeEventListener('abort', terminate);
      leave();
      this.#end();
    }
    if (this.#broken !== null) throw this.#broken.error;
  }

  /**
   * Ends the worker: no new jobs, handlers have up to `timeout` (default: `shutdownTimeout`) to finish, the jobs of the others go back uncounted.
   * Outcomes that the server has not answered by then are tried until their lease ends, but for at most 10 s after the grace period; those still
   * undelivered are logged, and their jobs run again. Resolves when that is done; a second call waits for the same end, or makes it come sooner.
   */
  async stop(options: { timeout?: Duration } = {}): Promise<void> {
    const ms = options.timeout === undefined ? this.#settings.shutdownMs : durationMs(options.timeout, 'timeout');
    if (this.#phase === 'new') {
      this.#end();
      await this.#connection[Symbol.asyncDispose]();
      return;
    }
    this.#terminate(ms);
    await this.#ended.promise;
  }

  /** Works while `work` lasts. @throws where the worker ends first. */
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

  /** Takes no new jobs until `resume()`; those that run go on, heartbeats too. */
  quiet(): void {
    this.#quietByUser = true;
    this.#flow();
  }

  /** Ends what `quiet()` or SIGTSTP began. A quiet that the server ordered ends by the server's order. */
  resume(): void {
    this.#quietByUser = false;
    this.#flow();
  }

  health(): WorkerHealth {
    return healthOf(this.state, this.#slots, this.#lastFetch, this.#lastHeartbeat);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #lifecycle(): 'running' | 'quiet' | 'terminate' {
    if (this.#phase === 'terminate') return 'terminate';
    return this.#quietByUser || this.#quietByServer ? 'quiet' : 'running';
  }

  #flow(): void {
    if (this.#phase === 'started' && this.#lifecycle() === 'running') this.#turns.open();
    else this.#turns.close();
  }

  #perform(context: JobContext): unknown {
    const handler = this.#handlers.get(context.jobType);
    if (handler === undefined) throw new OJSError(`There is no handler for ${context.jobType}.`);
    return handler(context);
  }

  /** Nothing is lost while a fleet is updated: the job waits for a worker that knows it. Where delays are unknown its own retry policy spaces the tries. */
  #unknownType(jobType: string): GiveBack | null {
    if (this.#handlers.has(jobType)) return null;
    this.#connection.logger.error('No handler is registered for a job type that is in the queues of this worker.', { job_type: jobType });
    const failure = {
      code: 'handler_not_found',
      type: 'handler_not_found',
      message: `No handler is registered for ${jobType}.`,
      retryable: true,
    };
    return this.#turns.extended ? { failure, requeue: true, delayMs: unknownTypeDelayMs } : { failure };
  }

  #obey(order: Order): void {
    if (order === 'terminate') this.#terminate(this.#settings.shutdownMs);
    else if (order !== null) {
      this.#quietByServer = order === 'quiet';
      this.#flow();
    }
  }

  #fetched(): void {
    this.#lastFetch = Date.now();
    this.#ready.resolve();
  }

  #changed(): void {
    this.#turns.schedule();
    this.#holdings.changed();
  }

  #break(error: unknown): void {
    this.#broken ??= { error };
    this.#terminate(this.#settings.shutdownMs);
  }

  #terminate(ms: number): void {
    if (this.#phase === 'ended' || this.#phase === 'new') return;
    this.#phase = 'terminate';
    this.#turns.close();
    this.#patience.add(setTimeout(() => this.#patienceOver.resolve(), timerMs(ms)));
    this.#ending.resolve();
  }

  async #drain(): Promise<void> {
    const delivered = () => this.#outbox.undelivered === 0 && !this.#turns.busy;
    await this.#holdings.until(() => this.#slots.active === 0 && delivered(), this.#patienceOver.promise);
    this.#execution.interrupt();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    // An outcome is worth nothing once its lease has ended.
    const timer = setTimeout(resolve, Math.min(this.#settings.visibilityMs, deliveryMs));
    await this.#holdings.until(delivered, late);
    clearTimeout(timer);
    this.#turns.giveUp();
    this.#delivery.close();
    await this.#heartbeat.stop();
  }

  #end(): void {
    this.#phase = 'ended';
    for (const timer of this.#patience) clearTimeout(timer);
    this.#execution.close();
    this.#ready.reject(this.#broken?.error ?? new OJSError('The worker ended before its first fetch was answered.'));
    this.#ended.resolve();
  }
}
