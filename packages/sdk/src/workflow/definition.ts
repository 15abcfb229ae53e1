import { isObject, type NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import { type JobRequest, requestNames } from '../job/definition.ts';
import { type JobOptions, jobNames } from '../job/options.ts';
import type { JsonArray } from '../json.ts';
import { checkNames } from '../options/check-names.ts';

/** The forms of a workflow (ojs-workflows §3). */
export type WorkflowKind = 'chain' | 'group' | 'batch' | 'dag';

/**
 * A definition of a workflow (ojs-workflows §2). `X` is the type of its result. A definition is a plain value: it can
 * be started any number of times.
 */
export interface WorkflowDefinition<X = unknown> {
  readonly name: string;
  readonly kind: WorkflowKind;
  readonly steps: readonly DefinedStep[];
  readonly callbacks: WorkflowCallbacks;
  /** Defaults of every job, also in nested workflows and callbacks. */
  readonly options: JobOptions;
  readonly '~x'?: X;
}

export interface DefinedStep {
  /** The index of the step; in a dag its name. */
  readonly id: string;
  readonly step: Step;
  /** In a dag: the names of the steps that it waits for. */
  readonly after: readonly string[];
}

/** Jobs that run at the end of a batch; at least one. */
export interface WorkflowCallbacks {
  /** Runs when all jobs have ended. */
  readonly onComplete?: JobRequest | undefined;
  /** Runs if all jobs have completed. */
  readonly onSuccess?: JobRequest | undefined;
  /** Runs if all jobs have ended and at least one has not completed. */
  readonly onFailure?: JobRequest | undefined;
}

const callbackNames: NamesOf<WorkflowCallbacks> = {
  onComplete: requestNames,
  onSuccess: requestNames,
  onFailure: requestNames,
};
const batchNames = { ...callbackNames, options: jobNames };
export const definitionNames: NamesOf<WorkflowDefinition> = {
  name: true,
  kind: true,
  steps: true,
  callbacks: callbackNames,
  options: jobNames,
};

/** A job of a workflow, or a nested workflow. */
export type Step = JobRequest | WorkflowDefinition;

/** The result of a step. */
export type Done<S> =
  S extends WorkflowDefinition<infer X> ? X : S extends JobRequest<JsonArray, infer R> ? R : unknown;

/** A job of a dag. */
export interface DagNode {
  readonly job: JobRequest;
  readonly after?: readonly string[] | undefined;
}

const nodeNames: NamesOf<DagNode> = { job: true, after: true };

/** Each `after` names other nodes of the same dag. */
type Linked<N> = {
  readonly [K in keyof N]: {
    readonly job: JobRequest;
    readonly after?: readonly Exclude<keyof N & string, K>[] | undefined;
  };
};

type Last<L> = L extends readonly [...unknown[], infer Z] ? Done<Z> : unknown;
type All<L> = { -readonly [K in keyof L]: Done<L[K]> };
type Each<L> = { -readonly [K in keyof L]: Done<L[K]> | Error };

/**
 * Defines a workflow whose jobs run one after the other (ojs-workflows §4). Each job gets the results of the jobs
 * before it in `ctx.parentResults`. The first failure ends the chain. `wait()` resolves with the result of the last
 * job.
 * @param options defaults of every job. A `delay` counts from the start of the workflow.
 * @throws {OJSValidationError} if `jobs` is no array, or for an unknown option.
 */
export function chain<const L extends readonly Step[]>(
  name: string,
  jobs: readonly [...L],
  options: JobOptions = {},
): WorkflowDefinition<Last<L>> {
  checkNames(options, jobNames);
  return { name, kind: 'chain', steps: listed(jobs), callbacks: {}, options };
}

/**
 * Defines a workflow whose jobs run at the same time (ojs-workflows §5). If a job fails, the others still run, and
 * then the group fails. `wait()` resolves with all results, in order.
 * @param options defaults of every job. A `delay` counts from the start of the workflow.
 * @throws {OJSValidationError} if `jobs` is no array, or for an unknown option.
 */
export function group<const L extends readonly Step[]>(
  name: string,
  jobs: readonly [...L],
  options: JobOptions = {},
): WorkflowDefinition<All<L>> {
  checkNames(options, jobNames);
  return { name, kind: 'group', steps: listed(jobs), callbacks: {}, options };
}

/**
 * Defines a workflow whose jobs run at the same time, followed by callbacks (ojs-workflows §6). Callbacks get the
 * results in `ctx.parentResults`, with null for a job that failed. The batch completes with its callbacks, even if jobs
 * have failed. `wait()` resolves with the results, in order, and an Error for each job that failed.
 * @throws {OJSValidationError} without callbacks, for a callback that is a workflow, or for an unknown option.
 */
export function batch<const L extends readonly Step[]>(
  name: string,
  jobs: readonly [...L],
  callbacks: WorkflowCallbacks & { readonly options?: JobOptions | undefined },
): WorkflowDefinition<Each<L>> {
  if (callbacks === undefined)
    throw OJSValidationError.of(
      'callbacks',
      'expected onComplete, onSuccess or onFailure; without callbacks, use group()',
    );
  const { onComplete, onSuccess, onFailure } = callbacks;
  for (const [name, callback] of Object.entries({ onComplete, onSuccess, onFailure })) {
    if (isObject(callback) && 'steps' in callback)
      throw OJSValidationError.of(name, 'a callback is a job, not a workflow');
  }
  checkNames(callbacks, batchNames);
  const { options = {}, ...rest } = callbacks;
  return { name, kind: 'batch', steps: listed(jobs), callbacks: rest, options };
}

/**
 * Defines a workflow of named jobs. Each job runs after those in its `after`, and gets their results in that order in
 * `ctx.parentResults`. `wait()` resolves with all results by name.
 * @throws {OJSValidationError} for an unknown member of a node.
 */
export function dag<const N extends Readonly<Record<string, DagNode>>>(
  name: string,
  nodes: N & Linked<N>,
): WorkflowDefinition<{ -readonly [K in keyof N]: Done<N[K]['job']> }> {
  const entries: readonly (readonly [string, DagNode])[] = Object.entries(nodes);
  const steps = entries.map(([id, node]) => {
    checkNames(node, nodeNames, `nodes.${id}`);
    return { id, step: node.job, after: node.after ?? [] };
  });
  return { name, kind: 'dag', steps, callbacks: {}, options: {} };
}

export function isWorkflowDefinition(step: Step): step is WorkflowDefinition {
  return 'kind' in step && 'steps' in step;
}

function listed(jobs: readonly Step[]): readonly DefinedStep[] {
  if (!Array.isArray(jobs))
    throw OJSValidationError.of('jobs', `expected an array of jobs and workflows, got ${typeof jobs}`);
  return jobs.map((step: Step, index) => ({ id: String(index), step, after: [] }));
}
