import { didYouMean, isJobType, undoSuffix } from '@ojs-ts/core';
import { OJSError, OJSValidationError } from '../../errors.ts';
import { type JobDef, parseArgs } from '../../job/definition.ts';
import { parseWith } from '../../job/standard-schema.ts';
import type { JsonArray } from '../../json.ts';
import { MiddlewareChain } from '../../middleware/chain.ts';
import { compose } from '../../middleware/compose.ts';
import type { ExecutionMiddleware } from '../../middleware/types.ts';
import { expectedType } from '../../options/values.ts';
import { type JobContext, undoSteps, untilSuspended } from './context.ts';
import { withArgs } from './context-with-args.ts';
import { ContractViolation } from './contract-violation.ts';

/** Runs a job. `A`: its args, as the handler may annotate them. `X`: its result. */
export type Handler<A extends JsonArray = JsonArray, X = unknown> = (context: JobContext<A>) => X | Promise<X>;

/** The handlers of a worker by job type, and the middleware around all of them. */
export class Handlers {
  readonly middlewares = new MiddlewareChain<ExecutionMiddleware>();
  readonly #byType = new Map<string, Handler>();
  readonly #queues = new Map<string, string>();
  #layers: readonly ExecutionMiddleware[] = this.middlewares.all;
  #wrapped: Handler = (context) => this.handle(context);

  /** @throws {OJSValidationError} for a malformed type, or a second handler. */
  add(job: string | JobDef, handler: Handler): void {
    const jobType = typeof job === 'string' ? job : job.type;
    if (!isJobType(jobType)) {
      throw OJSValidationError.of('jobType', expectedType(jobType));
    }
    if (typeof handler !== 'function')
      throw OJSValidationError.of('handler', `expected a function, got ${typeof handler}`);
    if (this.#byType.has(jobType))
      throw OJSValidationError.of('jobType', `${jobType} has a handler already; register each type once`);
    const checked = typeof job === 'string' || job.schemas === undefined ? handler : checking(job, handler);
    this.#byType.set(jobType, checked);
    if (typeof job !== 'string' && job.defaults?.queue !== undefined) this.#queues.set(jobType, job.defaults.queue);
  }

  /** The queues that definitions name for their jobs, by job type. */
  get queues(): ReadonlyMap<string, string> {
    return this.#queues;
  }

  get types(): readonly string[] {
    return [...this.#byType.keys()];
  }

  /** Also for a job that undoes the steps of a job with a handler. */
  has(jobType: string): boolean {
    return this.#find(jobType) !== undefined;
  }

  #find(jobType: string): Handler | undefined {
    const base = jobType.endsWith(undoSuffix) ? this.#byType.get(jobType.slice(0, -undoSuffix.length)) : undefined;
    const undoing: Handler | undefined = base && ((context) => undoSteps(context, () => base(context)));
    return this.#byType.get(jobType) ?? undoing;
  }

  /** Without middleware the handler itself: nothing is composed, and what is not asynchronous stays so. */
  perform(context: JobContext): unknown {
    const { all } = this.middlewares;
    if (all.length === 0) return this.handle(context);
    if (all !== this.#layers) {
      this.#layers = all;
      this.#wrapped = compose(all, (inner: JobContext) => untilSuspended(inner, () => this.handle(inner)));
    }
    return this.#wrapped(context);
  }

  /** Describes a job whose type has no handler. */
  missing(jobType: string): string {
    return `No handler is registered for ${jobType}.${didYouMean(jobType, this.#byType.keys())}`;
  }

  /** The handler alone, without the middleware. */
  handle(context: JobContext): unknown {
    const handler = this.#find(context.jobType);
    if (handler === undefined) throw new OJSError(this.missing(context.jobType));
    return handler(context);
  }
}

/**
 * Checked inside all middleware, which may have changed the args (a decryption does) and sees the failure like any
 * other.
 */
function checking(definition: JobDef, handler: Handler): Handler {
  const { result: resultSchema } = definition.schemas ?? {};
  return async (context) => {
    const args = await parseArgs(definition, context.args).catch((error: unknown) =>
      violated('args', error, context.args),
    );
    const result = await handler(withArgs(context, args));
    if (resultSchema === undefined) return result;
    return await parseWith(resultSchema, result, 'result').catch((error: unknown) => violated('result', error, result));
  };
}

function violated(part: 'args' | 'result', error: unknown, value: unknown): never {
  throw error instanceof OJSValidationError ? new ContractViolation(part, error, value) : error;
}
