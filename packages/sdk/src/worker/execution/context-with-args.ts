import type { Logger } from '../../connection/logger.ts';
import type { Job } from '../../job/job.ts';
import type { JsonArray, Meta } from '../../json.ts';
import type { StepCodec } from '../steps/codec.ts';
import {
  abortExecution,
  abortKey,
  codecKey,
  encodeSteps,
  isOver,
  type JobContext,
  overKey,
  suspendKey,
  undoKey,
  undoSteps,
  untilSuspended,
} from './context.ts';

/**
 * The same execution with other args: decrypted ones, or what a schema made of them. A middleware hands it on by
 * `next(withArgs(ctx, args))`.
 */
export function withArgs<A extends JsonArray>(context: JobContext, args: A): JobContext<A> {
  return new ContextWithArgs(context, args);
}

class ContextWithArgs<A extends JsonArray> implements JobContext<A> {
  readonly args: A;
  readonly #inner: JobContext;

  constructor(inner: JobContext, args: A) {
    this.#inner = inner;
    this.args = args;
  }

  get job(): Job<A> {
    return { ...this.#inner.job, args: this.args };
  }

  get jobId(): string {
    return this.#inner.jobId;
  }

  get jobType(): string {
    return this.#inner.jobType;
  }

  get queue(): string {
    return this.#inner.queue;
  }

  get meta(): Meta {
    return this.#inner.meta;
  }

  get attempt(): number {
    return this.#inner.attempt;
  }

  get parentResults(): readonly unknown[] {
    return this.#inner.parentResults;
  }

  get workflowId(): string | undefined {
    return this.#inner.workflowId;
  }

  get isCancelled(): boolean {
    return this.#inner.isCancelled;
  }

  get signal(): AbortSignal {
    return this.#inner.signal;
  }

  get log(): Logger {
    return this.#inner.log;
  }

  get locals(): Map<unknown, unknown> {
    return this.#inner.locals;
  }

  get lastCheckpoint(): unknown {
    return this.#inner.lastCheckpoint;
  }

  get progress(): JobContext['progress'] {
    return (percent, message, data) => this.#inner.progress(percent, message, data);
  }

  get heartbeat(): JobContext['heartbeat'] {
    return () => this.#inner.heartbeat();
  }

  get checkpoint(): JobContext['checkpoint'] {
    return (state) => this.#inner.checkpoint(state);
  }

  get step(): JobContext['step'] {
    return this.#inner.step;
  }

  get sleep(): JobContext['sleep'] {
    return this.#inner.sleep;
  }

  get poll(): JobContext['poll'] {
    return this.#inner.poll;
  }

  get enqueue(): JobContext['enqueue'] {
    return this.#inner.enqueue;
  }

  get run(): JobContext['run'] {
    return this.#inner.run;
  }

  get runAll(): JobContext['runAll'] {
    return this.#inner.runAll;
  }

  get undo(): JobContext['undo'] {
    return this.#inner.undo;
  }

  get wait(): JobContext['wait'] {
    return this.#inner.wait;
  }

  get [overKey](): boolean {
    return isOver(this.#inner);
  }

  [suspendKey](work: () => unknown): unknown {
    return untilSuspended(this.#inner, work);
  }

  [undoKey](handler: () => unknown): unknown {
    return undoSteps(this.#inner, handler);
  }

  [codecKey](codec: StepCodec): void {
    encodeSteps(this.#inner, codec);
  }

  [abortKey](reason: Error): void {
    abortExecution(this.#inner, reason);
  }
}
