import type { Connection } from '../../connection/connection.ts';
import type { JobDef } from '../../job/definition.ts';
import type { EnqueueOptions } from '../../job/options.ts';
import type { JsonArray } from '../../json.ts';
import type { EnqueueMiddleware } from '../../middleware/types.ts';
import type { Waiting } from './calls.ts';
import type { StepsHost } from './host.ts';
import type { StepWriter } from './writer.ts';

/** A client, as far as steps need one. */
export interface EnqueueClient {
  /** The middleware of the jobs that steps start. */
  readonly middlewares?: { readonly all: readonly EnqueueMiddleware[] };
  enqueue(job: string | JobDef, args: JsonArray, options?: EnqueueOptions): Promise<{ readonly id: string }>;
}

export interface WorkerStepsOptions {
  readonly connection: Connection;
  readonly workerId: string;
  /** How long nothing but waits may happen before a job is suspended. */
  readonly suspendAfterMs: number;
  /** Its middleware sees the jobs of `ctx.enqueue()`. Absent: they go out over the connection of the worker. */
  readonly client?: EnqueueClient | undefined;
  /** How waits end in a test. Default: as the server can. */
  readonly waiting?: Waiting;
  /** Payloads for `ctx.wait()`, for an execution without a stored job. */
  readonly signals?: Readonly<Record<string, unknown>> | undefined;
  /** False to keep no outcome, for an execution without a stored job. Default: true. */
  readonly recorded?: boolean;
}

/** The state that the executions of one worker share. */
export interface StepsWorker {
  readonly options: WorkerStepsOptions;
  writer: StepWriter | undefined;
  suspendAfterMs(jobType: string): number;
  /** The handler of a suspended job called something. */
  disturbed(host: StepsHost): void;
}
