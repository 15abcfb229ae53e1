import type { NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import { type JobRequest, requestNames } from '../job/definition.ts';
import { type JobOptions, jobNames } from '../job/options.ts';
import { isWire, type JsonArray } from '../json.ts';
import { known } from '../options/known.ts';

/** The forms of a workflow (ojs-workflows §3). */
export type WorkflowKind = 'chain' | 'group' | 'batch' | 'dag';

/** A workflow that has not been started (ojs-workflows §2). `X` is what waiting for it gives. It is a plain value: start it as often as you like. */
export interface WorkflowDefinition<X = unknown> {
  readonly name: string;
  readonly kind: WorkflowKind;
  readonly steps: readonly DefinedStep[];
  readonly callbacks: WorkflowCallbacks;
  /** For every job that does not say otherwise, those of nested workflows and callbacks too. */
  readonly options: JobOptions;
  readonly '~x'?: X;
}

export interface DefinedStep {
  /** Its index; in a dag its name. */
  readonly id: string;
  readonly step: Step;
  /** Of a dag: the names of the steps that it waits for. */
  readonly after: readonly string[];
}

/** Jobs that a batch runs at its end; at least one. */
export interface WorkflowCallbacks {
  /** When all jobs have ended. */
  readonly onComplete?: JobRequest | undefined;
  /** When all of them completed. */
  readonly onSuccess?: JobRequest | undefined;
  /** When all have ended and at least one of them did not complete. */
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

/** A job of a workflow, or a workflow inside it. */
export type Step = JobRequest | WorkflowDefinition;

/** What a step comes to. */
export type Done<S> =
  S extends WorkflowDefinition<infer X> ? X : S extends JobRequest<JsonArray, infer R> ? R : unknown;

/** A job of a graph. */
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
 * One job after the other; each gets the results of those before it in `ctx.parentResults`. The first that fails ends the chain. Waiting for it gives the
 * result of the last one.
 * @param options defaults of every job in it. A `delay` counts from the start of the workflow.
 */
export function chain<const L extends readonly Step[]>(
  name: string,
  jobs: readonly [...L],
  options: JobOptions = {},
): WorkflowDefinition<Last<L>> {
  known(options, jobNames);
  return { name, kind: 'chain', steps: listed(jobs), callbacks: {}, options };
}

/** All jobs at once. It fails when one of them has failed and all have ended. Waiting for it gives all results, in order. */
export function group<const L extends readonly Step[]>(
  name: string,
  jobs: readonly [...L],
  options: JobOptions = {},
): WorkflowDefinition<All<L>> {
  known(options, jobNames);
  return { name, kind: 'group', steps: listed(jobs), callbacks: {}, options };
}

/**
 * All jobs at once, and callbacks when all have ended, which get the results in `ctx.parentResults` (null for a job that failed). It completes when the
 * callbacks have, even where jobs failed. Waiting for it gives, in order, the results, and an Error for each job that failed.
 */
export function batch<const L extends readonly Step[]>(
  name: string,
  jobs: readonly [...L],
  callbacks: WorkflowCallbacks & { readonly options?: JobOptions | undefined },
): WorkflowDefinition<Each<L>> {
  if (callbacks === undefined)
    throw OJSValidationError.of('callbacks', 'expected onComplete, onSuccess or onFailure; without any it is a group');
  const { onComplete, onSuccess, onFailure } = callbacks;
  for (const [name, callback] of Object.entries({ onComplete, onSuccess, onFailure })) {
    if (isWire(callback) && 'steps' in callback)
      throw OJSValidationError.of(name, 'a callback is a job, not a workflow');
  }
  known(callbacks, batchNames);
  const { options = {}, ...rest } = callbacks;
  return { name, kind: 'batch', steps: listed(jobs), callbacks: rest, options };
}

/** Jobs by name, each after those that it names in `after`, whose results it gets in that order. Waiting for it gives all results by name. */
export function dag<const N extends Readonly<Record<string, DagNode>>>(
  name: string,
  nodes: N & Linked<N>,
): WorkflowDefinition<{ -readonly [K in keyof N]: Done<N[K]['job']> }> {
  const entries: readonly (readonly [string, DagNode])[] = Object.entries(nodes);
  const steps = entries.map(([id, node]) => {
    known(node, nodeNames, `nodes.${id}`);
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
