import { type Transport, uuidv7 } from '@ojs-ts/core';
import { type Json, maxResultBytes } from '@ojs-ts/core/job';
import { Connection } from '../connection/connection.ts';
import type { Logger } from '../connection/logger.ts';
import { OJSError } from '../errors.ts';
import type { JobDef } from '../job/definition.ts';
import { numberOf, type Wire } from '../json.ts';
import { compose } from '../middleware/compose.ts';
import type { ExecutionMiddleware } from '../middleware/types.ts';
import { callbacksOf } from '../worker/execution/callbacks.ts';
import { type JobContext, untilSuspended } from '../worker/execution/context.ts';
import { Execution } from '../worker/execution/execution.ts';
import { type Handler, Handlers } from '../worker/execution/handlers.ts';
import { PendingOutcomes } from '../worker/execution/pending-outcomes.ts';
import { Reporting } from '../worker/execution/reports.ts';
import { Slots } from '../worker/fetch/slots.ts';
import { LeasedJobs } from '../worker/leases/leased-jobs.ts';
import { WorkerSteps } from '../worker/steps/worker-steps.ts';
import { handlersOf } from '../worker/worker.ts';

/** The part of a Worker, of any copy of this package, that a test uses. */
export interface HandlerSource {
  readonly [handlersOf]: Handlers;
}

export interface RunOptions {
  /** False for an execution without a stored job: its reports and steps go nowhere. Default: true. */
  readonly recorded?: boolean;
  /** True if waits of durable steps are over at once. Default: false. */
  readonly skipsWaits?: boolean;
  /** The payloads of signals, for an execution without a stored job. */
  readonly signals?: Readonly<Record<string, unknown>>;
}

/** The end of an execution. */
export interface Ran {
  readonly outcome: 'ack' | 'nack';
  /** The entry that a worker would send, as JSON text. */
  readonly entry: Json;
  /** The error of the handler; or the reason of another failure, such as a timeout or a result that cannot be sent. */
  readonly thrown: { readonly error: unknown } | null;
}

export function typeOf(job: string | JobDef): string {
  return typeof job === 'string' ? job : job.type;
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const none: readonly ExecutionMiddleware[] = [];

/** The handlers of a test, and the failures that it has ordered. */
export class Runner {
  readonly workerId = uuidv7();
  readonly #own = new Map<string, Handlers>();
  readonly #workers: Handlers[] = [];
  readonly #failNext = new Map<string, unknown[]>();
  readonly #failAll = new Map<string, { readonly error: unknown }>();

  /** Replaces an earlier handler of the type, and a worker's. */
  register(job: string | JobDef, handler: Handler): void {
    const handlers = new Handlers();
    handlers.add(job, handler);
    this.#own.set(typeOf(job), handlers);
  }

  use(worker: HandlerSource): void {
    this.#workers.push(worker[handlersOf]);
  }

  failNext(type: string, error: unknown): void {
    this.#failNext.set(type, [...(this.#failNext.get(type) ?? []), error]);
  }

  failAll(type: string, error: unknown): void {
    this.#failAll.set(type, { error });
  }

  /** The types with a handler. */
  get types(): readonly string[] {
    const named = [
      ...this.#own.keys(),
      ...this.#failNext.keys(),
      ...this.#failAll.keys(),
      ...this.#workers.flatMap(({ types }) => types),
    ];
    return [...new Set(named)];
  }

  /** Reports whether a job of this type can run, or has a failure ordered. */
  knows(type: string): boolean {
    return (
      this.#handlersOf(type) !== undefined || this.#failAll.has(type) || (this.#failNext.get(type)?.length ?? 0) > 0
    );
  }

  /** @throws {OJSError} that lists the types without a handler. */
  require(types: Iterable<string>, what: string): void {
    const missing = [...new Set(types)].filter((type) => !this.knows(type));
    if (missing.length === 0) return;
    throw new OJSError(
      `${what}: there is no handler for ${missing.join(', ')}; ` +
        'give one to registerHandler(), or a worker that has one to useWorker().',
    );
  }

  /** Runs the handler inside its worker's middleware. An ordered failure replaces the handler. */
  perform(context: JobContext): Promise<unknown> {
    const own = this.#ownOf(context.jobType);
    const layers = own === undefined ? (this.#workerOf(context.jobType)?.middlewares.all ?? none) : none;
    return compose(layers, (inner: JobContext) => untilSuspended(inner, () => this.#handle(inner)))(context);
  }

  /** Runs a claimed job to its end, as a worker does. */
  execute(wire: Wire, transport: Transport, options: RunOptions = {}): Promise<Ran> {
    const { recorded = true, skipsWaits = false, signals } = options;
    const { promise, resolve } = Promise.withResolvers<Ran>();
    const outcomes = new PendingOutcomes();
    let thrown: Ran['thrown'] = null;
    const connection = new Connection(transport, { logger: silent });
    const onJobFailed = (_: JobContext, error: unknown) => {
      thrown = { error };
    };
    // A job that was cancelled while it ran has no outcome.
    let [isLost, hasEnded] = [false, false];
    const endLost = () => {
      if (!isLost || !hasEnded) return;
      execution.close();
      resolve({ outcome: 'nack', entry: '{}', thrown });
    };
    const onJobCancelled = () => {
      isLost = true;
      endLost();
    };
    const callbacks = callbacksOf({ onJobFailed, onJobCancelled }, silent);
    const execution = new Execution({
      leasedJobs: new LeasedJobs(),
      slots: new Slots(1),
      outcomes,
      maxResultBytes: Math.min(maxResultBytes, numberOf(wire.result_size_limit) ?? maxResultBytes),
      callbacks,
      logger: silent,
      reporting: recorded ? new Reporting(connection, this.workerId) : new Unrecorded(connection, this.workerId),
      steps: new WorkerSteps({
        connection,
        workerId: this.workerId,
        suspendAfterMs: 0,
        recorded,
        signals,
        ...(skipsWaits && { waiting: 'skip' as const }),
      }),
      visibilityMs: Number.POSITIVE_INFINITY,
      perform: async (context) => {
        try {
          return await this.perform(context);
        } catch (error) {
          // A handler throws to snooze, but a snooze is no failure.
          thrown = { error };
          throw error;
        } finally {
          hasEnded = true;
          endLost();
        }
      },
      unknownType: () => null,
      heartbeat: async () => {},
      changed: () => {
        const [leased] = outcomes.take();
        if (leased === undefined) return;
        execution.close();
        // After the callback that reports the failure.
        queueMicrotask(() => resolve({ outcome: leased.outcome, entry: leased.entry, thrown }));
      },
    });
    execution.begin(wire, performance.now());
    return promise;
  }

  #handle(context: JobContext): unknown {
    const { jobType } = context;
    const next = this.#failNext.get(jobType);
    if (next !== undefined && next.length > 0) throw next.shift();
    const all = this.#failAll.get(jobType);
    if (all !== undefined) throw all.error;
    this.require([jobType], 'A job cannot be run');
    return this.#handlersOf(jobType)?.handle(context);
  }

  #handlersOf(type: string): Handlers | undefined {
    return this.#ownOf(type) ?? this.#workerOf(type);
  }

  /** Handlers of a type undo its jobs too. */
  #ownOf(type: string): Handlers | undefined {
    return this.#own.get(type) ?? this.#own.values().find((handlers) => handlers.has(type));
  }

  #workerOf(type: string): Handlers | undefined {
    return this.#workers.find((handlers) => handlers.has(type));
  }
}

/** For an execution without a stored job: it drops all reports. */
class Unrecorded extends Reporting {
  override async progress(): Promise<boolean> {
    return true;
  }

  override async checkpoint(): Promise<void> {}
}
