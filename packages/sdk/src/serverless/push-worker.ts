import { isObject, type NamesOf, type Transport, uuidv7 } from '@ojs-ts/core';
import { Connection, type ConnectionOptions, connectionNames } from '../connection/connection.ts';
import type { Logger } from '../connection/logger.ts';
import { OJSValidationError } from '../errors.ts';
import type { ArgsIn, ArgsOf, JobDef, JobTypes, NameIn, ResultIn, ResultOf } from '../job/definition.ts';
import { compact, numberOf, textOf, type Wire } from '../json.ts';
import type { MiddlewareChain } from '../middleware/chain.ts';
import type { ExecutionMiddleware } from '../middleware/types.ts';
import { checkNames } from '../options/check-names.ts';
import { callbackNames, callbacksOf, type WorkerCallbacks } from '../worker/execution/callbacks.ts';
import type { JobContext } from '../worker/execution/context.ts';
import { Execution } from '../worker/execution/execution.ts';
import { type Handler, Handlers } from '../worker/execution/handlers.ts';
import { PendingOutcomes } from '../worker/execution/pending-outcomes.ts';
import { Reporting } from '../worker/execution/reports.ts';
import { Slots } from '../worker/fetch/slots.ts';
import type { LeasedJob } from '../worker/leases/leased-job.ts';
import { LeasedJobs } from '../worker/leases/leased-jobs.ts';
import type { Delivery } from './delivery.ts';

/** Options of a {@link PushWorker}. */
export interface PushWorkerOptions extends ConnectionOptions, WorkerCallbacks {
  /**
   * URL of the server, or a transport. With it, the worker reports outcomes of jobs from a queue to the server. Without
   * it, the queue alone decides about retries; `ctx.progress()` and `ctx.checkpoint()` then go to `OJS_BACKEND_URL`.
   */
  target?: string | Transport | undefined;
  /**
   * The secret that signs HTTP deliveries (ojs-webhooks §8.1); several while you replace one. Without a secret the
   * worker accepts every delivery, so protect the URL in another way.
   */
  signingSecret?: string | readonly string[] | undefined;
}

const workerNames: NamesOf<PushWorkerOptions> = {
  ...connectionNames,
  ...callbackNames,
  target: true,
  signingSecret: true,
};

/** The outcome of a job. */
export type PushOutcome =
  | { readonly status: 'completed'; readonly result?: unknown }
  | {
      readonly status: 'failed';
      readonly error: Wire & { readonly code: string; readonly message: string; readonly retryable: boolean };
      /** Snoozed: run the job again without counting the attempt. */
      readonly requeue?: boolean;
      readonly delayMs?: number;
    }
  /** Another delivery of the job has replaced this one. */
  | { readonly status: 'superseded' };

export interface RunLimits {
  /** The time that the platform gives this execution, in milliseconds. A shorter timeout of the job wins. */
  readonly limitMs?: number | undefined;
}

const limitNames: NamesOf<RunLimits> = { limitMs: true };

/** The platform limits how many executions run, not the worker. */
const noLimit = 1_000_000;

/**
 * Runs jobs that a platform delivers, instead of fetching them like a Worker (ojs-serverless). Handlers, middleware,
 * timeouts and errors are the same. Create one outside of the handler, and pass it to `lambdaHandler`, `fetchHandler`,
 * `cloudflareHandler` or `azureHandlers`.
 */
export class PushWorker<R = JobTypes> {
  readonly workerId: string = uuidv7();
  /** The server that gets outcomes of queued jobs; null if only the queue gets them. */
  readonly server: Connection | null;
  readonly logger: Logger;
  readonly signingSecrets: readonly string[];
  readonly #handlers = new Handlers();
  readonly #leasedJobs = new LeasedJobs();
  readonly #outcomes = new PendingOutcomes();
  readonly #execution: Execution;
  readonly #running = new Map<LeasedJob, PromiseWithResolvers<PushOutcome>>();
  #draining = false;

  /** @throws {OJSValidationError} for a wrong or unknown option. */
  constructor(options: PushWorkerOptions = {}) {
    checkNames(options, workerNames);
    const { target, signingSecret = [], ...rest } = options;
    const connection = new Connection(target, rest);
    this.server = target === undefined ? null : connection;
    this.logger = connection.logger;
    this.signingSecrets = typeof signingSecret === 'string' ? [signingSecret] : signingSecret;
    if (this.signingSecrets.includes(''))
      throw OJSValidationError.of('signingSecret', 'expected the secret of the sender, got an empty text');
    this.#execution = new Execution({
      leasedJobs: this.#leasedJobs,
      slots: new Slots(noLimit),
      outcomes: this.#outcomes,
      callbacks: callbacksOf(rest, this.logger),
      logger: this.logger,
      reporting: new PushReporting(connection, this.workerId),
      visibilityMs: Number.POSITIVE_INFINITY,
      perform: (context) => this.#handlers.perform(context),
      unknownType: (jobType) => this.#unknownType(jobType),
      heartbeat: async () => {},
      changed: () => this.#changed(),
    });
  }

  /** The execution middleware, as of `Worker`. */
  get middlewares(): MiddlewareChain<ExecutionMiddleware> {
    return this.#handlers.middlewares;
  }

  /**
   * Adds an execution middleware innermost, as `Worker.middleware`.
   * @throws {OJSValidationError} if the name is taken.
   */
  middleware(middleware: ExecutionMiddleware, name?: string): this {
    this.middlewares.add(middleware, name);
    return this;
  }

  /**
   * Registers the handler of a job type, as `Worker.register`.
   * @throws {OJSValidationError} for a malformed type, or a second handler.
   */
  register<D extends JobDef>(
    job: D,
    handler: (context: JobContext<ArgsOf<D>>) => ResultOf<D> | Promise<ResultOf<D>>,
  ): this;
  register<T extends NameIn<R>, A extends ArgsIn<R, T>>(jobType: T, handler: Handler<A, ResultIn<R, T>>): this;
  register(job: string | JobDef, handler: Handler): this {
    this.#handlers.add(job, handler);
    return this;
  }

  /**
   * Runs one job to its end. If the same delivery comes again while the job runs, both get the same outcome. Never
   * rejects.
   */
  run({ job, workerId, deliveryId }: Delivery, limits: RunLimits = {}): Promise<PushOutcome> {
    checkNames(limits, limitNames);
    const { limitMs } = limits;
    const own = numberOf(job.timeout_ms) || Number.POSITIVE_INFINITY;
    const limit = Math.min(own, limitMs ?? Number.POSITIVE_INFINITY);
    const wire = compact({
      ...job,
      worker_id: workerId ?? textOf(job.worker_id),
      delivery_id: deliveryId,
      x_lease: textOf(job.x_lease) ?? deliveryId,
      timeout_ms: Number.isFinite(limit) ? Math.max(1, Math.floor(limit)) : undefined,
    });
    this.#execution.begin(wire, performance.now());
    const leased = this.#leasedJobs.get(job.id);
    if (leased === undefined) return Promise.resolve({ status: 'superseded' });
    const before = this.#running.get(leased);
    if (before !== undefined) return before.promise;
    const outcome = Promise.withResolvers<PushOutcome>();
    this.#running.set(leased, outcome);
    return outcome.promise;
  }

  /** Deferred, because a handler may end before `run` has registered its promise. */
  #changed(): void {
    if (this.#draining) return;
    this.#draining = true;
    queueMicrotask(() => {
      this.#draining = false;
      for (const leased of this.#outcomes.take()) {
        this.#outcomes.done();
        this.#leasedJobs.remove(leased);
        this.#end(leased, outcomeOf(leased));
      }
      for (const leased of this.#running.keys())
        if (leased.state === 'lost') this.#end(leased, { status: 'superseded' });
    });
  }

  #end(leased: LeasedJob, outcome: PushOutcome): void {
    this.#running.get(leased)?.resolve(outcome);
    this.#running.delete(leased);
  }

  #unknownType(jobType: string): { failure: { code: string; type: string; message: string; retryable: true } } | null {
    if (this.#handlers.has(jobType)) return null;
    const message = this.#handlers.missing(jobType);
    this.logger.error(`no handler: ${message}`, { job_type: jobType });
    return { failure: { code: 'handler_not_found', type: 'handler_not_found', message, retryable: true } };
  }
}

/** Reports on behalf of the worker that the delivery names, because the job belongs to that worker. */
class PushReporting extends Reporting {
  override progress(...[leased, report]: Parameters<Reporting['progress']>): Promise<boolean> {
    return this.#of(leased)?.progress(leased, report) ?? super.progress(leased, report);
  }

  override checkpoint(...[leased, ...saved]: Parameters<Reporting['checkpoint']>): Promise<void> {
    return this.#of(leased)?.checkpoint(leased, ...saved) ?? super.checkpoint(leased, ...saved);
  }

  #of({ wire }: LeasedJob): Reporting | null {
    const workerId = textOf(wire.worker_id) ?? this.workerId;
    return workerId === this.workerId ? null : new Reporting(this.connection, workerId);
  }
}

function outcomeOf({ entry, outcome }: LeasedJob): PushOutcome {
  const body: unknown = JSON.parse(entry);
  if (!isObject(body)) return { status: 'superseded' };
  if (outcome === 'ack') return { status: 'completed', ...(body.result !== undefined && { result: body.result }) };
  const error = isObject(body.error) ? body.error : {};
  return {
    status: 'failed',
    error: {
      ...error,
      code: typeof error.code === 'string' ? error.code : 'handler_error',
      message: typeof error.message === 'string' ? error.message : '',
      retryable: error.retryable !== false,
    },
    ...(body.requeue === true && { requeue: true }),
    ...(typeof body.delay_ms === 'number' && { delayMs: body.delay_ms }),
  };
}
