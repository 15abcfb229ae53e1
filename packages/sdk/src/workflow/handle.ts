import { Deadline } from '../connection/deadline.ts';
import { OJSTimeoutError } from '../errors.ts';
import { type WaitOptions, waitNames } from '../job/handle.ts';
import { checkNames } from '../options/check-names.ts';
import { durationMs } from '../options/values.ts';
import { type ReadJob, resultOf } from './results.ts';
import type { Shape } from './shape.ts';
import type { Workflow } from './workflow.ts';

/** A workflow, and methods that act on it. */
export interface WorkflowHandle<X = unknown> extends Workflow {
  /**
   * Waits until the workflow has ended, and resolves with its result. A chain gives the last result, a group all
   * results, a batch all results with an Error for each job that failed, a dag all results by name.
   * @throws {WorkflowFailedError} if the workflow has failed or was cancelled; {OJSTimeoutError} after `timeout`; the
   * reason of `signal`.
   */
  wait(options?: WaitOptions): Promise<X>;
  /** Cancels the workflow: no further step starts, and jobs that run may finish (ojs-workflows §9.5). */
  cancel(): Promise<Workflow>;
  refresh(): Promise<Workflow>;
}

/** The calls of the client that a handle uses. */
export interface WorkflowCalls {
  readonly readJob: ReadJob;
  read(workflowId: string): Promise<Workflow>;
  cancel(workflowId: string): Promise<Workflow>;
  /** Resolves with the workflow once it has ended. */
  ended(workflowId: string, deadline: Deadline): Promise<Workflow>;
}

/** The methods are on a prototype, like those of a job's handle. */
const WorkflowActions = class WorkflowHandle<X> {
  readonly #calls: WorkflowCalls;
  readonly #id: string;
  readonly #shape: (workflow: Workflow) => Shape;

  constructor(calls: WorkflowCalls, id: string, shape: (workflow: Workflow) => Shape) {
    this.#calls = calls;
    this.#id = id;
    this.#shape = shape;
  }

  refresh(): Promise<Workflow> {
    return this.#calls.read(this.#id);
  }

  cancel(): Promise<Workflow> {
    return this.#calls.cancel(this.#id);
  }

  wait(options?: WaitOptions): Promise<X>;
  async wait(options: WaitOptions = {}): Promise<unknown> {
    checkNames(options, waitNames);
    const ms = options.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(options.timeout, 'timeout');
    const expired = () =>
      new OJSTimeoutError(`The workflow ${this.#id} did not end within ${ms} ms.`, { operation: 'workflow.get' });
    using deadline = new Deadline(ms, expired, options.signal);
    const workflow = await this.#calls.ended(this.#id, deadline);
    return await deadline.race(resultOf(workflow, this.#shape(workflow), this.#calls.readJob));
  }
};

/** @param shape the shape of the result, from the definition or from the server. */
export function workflowHandleOf<X>(
  workflow: Workflow,
  calls: WorkflowCalls,
  shape: (workflow: Workflow) => Shape,
): WorkflowHandle<X> {
  return Object.assign(new WorkflowActions<X>(calls, workflow.id, shape), workflow);
}
