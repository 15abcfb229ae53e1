import { parseTimestamp } from '@ojs-ts/core';
import type { Fake } from '../connection/fake.ts';
import { OJSValidationError } from '../errors.ts';
import type { ArgsOf, JobDef, Jsonable } from '../job/definition.ts';
import type { Job } from '../job/job.ts';
import { quoted } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs } from '../options/values.ts';
import { type PayloadOf, type SignalDef, signalOf } from '../signal/definition.ts';
import type { SignalOutcome } from '../signal/send.ts';
import type { JobContext } from '../worker/execution/context.ts';
import type { Handler } from '../worker/execution/handlers.ts';
import type { Ledger } from './ledger.ts';
import type { FakeStep } from './memory/steps.ts';
import { type HandlerSource, Runner, typeOf } from './runner.ts';
import { forget, localScope, type Scope } from './scope.ts';

/** A test mode, from its start to `restore()`, which `using` calls. */
export interface FakeStore extends Disposable {
  /**
   * Sets the handler of a job type for `drain()` and inline mode. It replaces an earlier one, and a worker's. With a
   * definition, its schemas are checked.
   */
  registerHandler<D extends JobDef>(job: D, handler: (context: JobContext<ArgsOf<D>>) => unknown): this;
  registerHandler(jobType: string, handler: (context: JobContext) => unknown): this;
  /** Uses the handlers and middleware of a real Worker. The worker itself does not start. */
  useWorker(worker: HandlerSource): this;
  /**
   * Makes the next execution of the type fail with the error, instead of running its handler. Two calls fail the next
   * two.
   */
  failNext(job: string | JobDef, error?: unknown): this;
  /** Makes every execution of the type fail, until the mode ends. */
  failAll(job: string | JobDef, error?: unknown): this;
  /**
   * Freezes the time of the store: for schedules, crons, expiry, backoff, unique periods and rate limits.
   * @throws {OJSError} in real mode.
   */
  freezeTime(at: Date | string): void;
  /**
   * Advances the time of the store. Due jobs become available, and in fake mode crons fire.
   * @throws {OJSError} in real mode.
   */
  advanceTime(by: Duration): void;
  /**
   * The durable steps of a job, by its id or the job itself, in the order in which they were recorded.
   * @throws {OJSError} in real mode, where `Admin.steps()` reads them.
   */
  steps(job: string | Job): readonly FakeStep[];
  /**
   * Sends a signal to a job, as `Client.signal()`. In inline mode the job continues before this resolves; in fake mode
   * `drain()` runs it.
   */
  signal<D extends SignalDef>(job: string | Job, signal: D, payload: Jsonable<PayloadOf<D>>): Promise<SignalOutcome>;
  signal(job: string | Job, signal: string, payload?: unknown): Promise<SignalOutcome>;
  /** Ends the mode. */
  restore(): void;
}

/** The parts that all modes have in common. */
export abstract class Store implements FakeStore, Scope {
  abstract readonly fake: Fake | null;
  abstract readonly ledger: Ledger;
  readonly outer: Scope | null = localScope();
  readonly runner = new Runner();
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  registerHandler<D extends JobDef>(job: D, handler: (context: JobContext<ArgsOf<D>>) => unknown): this;
  registerHandler(jobType: string, handler: (context: JobContext) => unknown): this;
  registerHandler(job: string | JobDef, handler: Handler): this {
    this.runner.register(job, handler);
    return this;
  }

  useWorker(worker: HandlerSource): this {
    this.runner.use(worker);
    return this;
  }

  failNext(job: string | JobDef, error: unknown = orderedFailure(job)): this {
    this.runner.failNext(typeOf(job), error);
    return this;
  }

  failAll(job: string | JobDef, error: unknown = orderedFailure(job)): this {
    this.runner.failAll(typeOf(job), error);
    return this;
  }

  abstract freezeTime(at: Date | string): void;
  abstract advanceTime(by: Duration): void;
  abstract steps(job: string | Job): readonly FakeStep[];

  signal<D extends SignalDef>(job: string | Job, signal: D, payload: Jsonable<PayloadOf<D>>): Promise<SignalOutcome>;
  signal(job: string | Job, signal: string, payload?: unknown): Promise<SignalOutcome>;
  signal(job: string | Job, signal: SignalDef | string, payload?: unknown): Promise<SignalOutcome> {
    return this.send(typeof job === 'string' ? job : job.id, signalOf(signal), payload);
  }

  protected abstract send(to: string, signal: SignalDef, payload: unknown): Promise<SignalOutcome>;

  restore(): void {
    this.#isOver = true;
    forget(this);
  }

  release(): void {
    forget(this);
  }

  [Symbol.dispose](): void {
    this.restore();
  }
}

function orderedFailure(job: string | JobDef): Error {
  return new Error(`${typeOf(job)} failed because its test called failNext() or failAll().`);
}

/** @throws {OJSValidationError} for an invalid time. */
export function momentOf(at: Date | string): number {
  const ms = typeof at === 'string' ? parseTimestamp(at) : at.getTime();
  if (ms === null || Number.isNaN(ms))
    throw OJSValidationError.of('at', `expected a Date or a text such as '2026-02-13T10:00:00Z', got ${quoted(at)}`);
  return ms;
}

export function lengthOf(by: Duration): number {
  return durationMs(by, 'by');
}
