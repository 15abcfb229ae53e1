import type { Logger } from '../../connection/logger.ts';
import type { InputOf, JobDef, Jsonable, ResultOf } from '../../job/definition.ts';
import type { JobOptions } from '../../job/options.ts';
import type { RetryPolicy } from '../../job/policies.ts';
import type { JsonArray } from '../../json.ts';
import type { Duration } from '../../options/duration.ts';
import type { SignalDef } from '../../signal/definition.ts';

/** The value that JSON gives back for `T`. The first execution and every later one see the same value. */
export type Kept<T> = T extends { toJSON(): infer J }
  ? Kept<J>
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends (...args: never[]) => unknown
      ? never
      : T extends object
        ? { [K in keyof T]: Kept<T[K]> }
        : unknown;

/** The argument of the function of a step. */
export interface StepInfo {
  readonly name: string;
  /** The number of this try, from 1. */
  readonly attempt: number;
  /** `JOB/NAME`, the same in every try. Pass it on as the idempotency key of other services. */
  readonly key: string;
  /** Aborts after the timeout of the step, and with `ctx.signal`. */
  readonly signal: AbortSignal;
  /** The logger of the execution, with the step on every line. */
  readonly log: Logger;
}

/** The argument of the undo of a step. */
export interface StepUndo<R = unknown> {
  /** The result of the step; undefined if it has none, or none that is known. */
  readonly result: R | undefined;
  /** False if the step has begun or failed, so that its effect may be there or not. */
  readonly certain: boolean;
  /** The `key` that the step had. */
  readonly key: string;
  /** The number of this try, from 1. */
  readonly attempt: number;
  /** Aborts with `ctx.signal`. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** A method's parameter may be narrower: the worker calls it with what JSON gave back. */
export type UndoOf<R = unknown> = { undo(step: StepUndo<R>): unknown }['undo'];

/** Options of `ctx.step()`. */
export interface StepOptions<R = unknown> {
  /** The tries of this step. Fields that are left out are those of the job. `false`: one try. */
  readonly retry?: RetryPolicy | false | undefined;
  /** The longest time of one try. Default: no limit but the timeout of the job. */
  readonly timeout?: Duration | undefined;
  /**
   * Undoes the effect of the step, if the job is cancelled or fails for good, or by `ctx.undo()`. It is tried like a step.
   * The start of such a step is recorded before it runs.
   */
  readonly undo?: UndoOf<R> | undefined;
}

/** Options of `ctx.poll()`. */
export interface PollOptions {
  /** The pause between two probes. */
  readonly every: Duration;
  /** The longest time from the first probe on. Default: no limit. */
  readonly timeout?: Duration | undefined;
}

/** Options of `ctx.wait()`. */
export interface SignalWaitOptions {
  /** The name of the step. Default: that of the signal. A second wait for the same signal needs a name of its own. */
  readonly as?: string | undefined;
  /**
   * Waits for `client.signalToken(token, …)` in place of `client.signal(job, …)`: 1 to 255 characters that name the one
   * thing that is waited for, such as `invoice:42`.
   */
  readonly token?: string | undefined;
}

/** Options of `ctx.run()` and `ctx.runAll()`, and of the jobs that they start. */
export interface ChildrenOptions extends Omit<JobOptions, 'id' | 'unique' | 'pending'> {
  /** `cancel`: the first failed job cancels the others, and the handler continues. Default: `wait`, for all of them. */
  readonly onFailure?: 'wait' | 'cancel' | undefined;
  /** `leave`: jobs that are open when this job ends run on. Default: `cancel`. */
  readonly onParentEnd?: 'cancel' | 'leave' | undefined;
}

/** A job that a step has started, after its end. */
export interface Child<R = unknown> {
  /** Its place among the jobs of the step, from 0. */
  readonly index: number;
  readonly id: string;
  readonly state: 'completed' | 'failed' | 'cancelled';
  /** Undefined unless it has completed with a result. */
  readonly result: R | undefined;
  /** The error of its last attempt. */
  readonly error: Readonly<Record<string, unknown>> | undefined;
}

/** The jobs of `ctx.runAll()` after their end. Iterating reads them in pages, so thousands are never in memory at once. */
export interface Children<R = unknown> extends AsyncIterable<Child<R>> {
  readonly workflowId: string;
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** All results in order. @throws {ChildError} for the first job that has not completed. */
  results(): Promise<R[]>;
}

/**
 * Durable steps: the outcome of each call is recorded under its name, and a later execution of the job gets that
 * outcome in place of running the call again. A name has 1 to 128 characters and is used once per execution; inside of
 * a loop, put the id of the item into the name.
 */
export interface DurableContext {
  /**
   * Runs the function and records its result. A try that fails is repeated by the retry policy of the job; only the
   * error of the last try reaches the handler. Code outside of steps runs again in each execution.
   * @throws {StepError} after the last try; {StepNameError} for a wrong name; {StepNestedError} inside of a step;
   * {StepKindError} if another call has recorded this name; {StepLimitError} beyond the limits of the server.
   */
  step<R>(
    name: string,
    run: (step: StepInfo) => R | PromiseLike<R>,
    options?: StepOptions<Kept<Awaited<NoInfer<R>>>>,
  ): Promise<Kept<Awaited<R>>>;
  /**
   * Undoes the steps of this job that have an `undo`, the one that began last first. Each is undone once, in however many
   * executions. The handler continues then.
   * @throws {UndoError} if some could not be undone.
   */
  undo(): Promise<void>;
  /**
   * Waits for a time, or until a date, at most ten years. The job gives up its slot and continues in a new execution. A
   * pause up to one second stays in the process.
   */
  sleep(name: string, time: Duration | Date): Promise<void>;
  /**
   * Calls the probe until it returns something other than undefined. Resolves to undefined after the timeout. Between
   * two probes the job gives up its slot. A probe that throws counts as one without a value, unless it throws a
   * DiscardError.
   */
  poll<R>(
    name: string,
    probe: (step: StepInfo) => R | undefined | PromiseLike<R | undefined>,
    options: PollOptions,
  ): Promise<Kept<Awaited<R>> | undefined>;
  /**
   * Enqueues exactly one job, in however many executions, and does not wait for it. Resolves to the id of the job. The
   * job passes the middleware of the client that the option `client` of the worker names.
   */
  enqueue<D extends JobDef>(
    name: string,
    job: D,
    args: Jsonable<InputOf<D>>,
    options?: Omit<JobOptions, 'id'>,
  ): Promise<string>;
  enqueue(name: string, jobType: string, args: JsonArray, options?: Omit<JobOptions, 'id'>): Promise<string>;
  /**
   * Runs one job and waits for its end. Resolves to its result. The job is started once, in however many executions, and
   * this one gives up its slot until then.
   * @throws {ChildError} if the job failed or was cancelled.
   */
  run<D extends JobDef>(
    name: string,
    job: D,
    args: Jsonable<InputOf<D>>,
    options?: ChildrenOptions,
  ): Promise<ResultOf<D>>;
  run(name: string, jobType: string, args: JsonArray, options?: ChildrenOptions): Promise<unknown>;
  /**
   * Runs many jobs of one type, one for each entry of `args`, and waits until all have ended. It does not throw if some
   * failed: {@link Children.results} does.
   */
  runAll<D extends JobDef>(
    name: string,
    job: D,
    args: readonly Jsonable<InputOf<D>>[],
    options?: ChildrenOptions,
  ): Promise<Children<ResultOf<D>>>;
  runAll(name: string, jobType: string, args: readonly JsonArray[], options?: ChildrenOptions): Promise<Children>;
  /**
   * Waits for a signal, which may come before or after this call: `client.signal(jobId, signal, payload)`. The job gives
   * up its slot while it waits. Each wait reads one signal, the oldest first. Resolves to undefined after the timeout.
   * @throws {TokenTakenError} if another job waits for the token; {OJSValidationError} if the schema of the signal
   * refuses the payload.
   */
  wait<T = unknown>(
    signal: SignalDef<T, unknown> | string,
    options: SignalWaitOptions & { readonly timeout: Duration | Date },
  ): Promise<T | undefined>;
  wait<T = unknown>(signal: SignalDef<T, unknown> | string, options?: SignalWaitOptions): Promise<T>;
}
