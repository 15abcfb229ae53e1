import { didYouMean } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import type { JobRequest } from '../job/definition.ts';
import { type JobOptions, spellings } from '../job/options.ts';
import { compact } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import {
  definitionNames,
  isWorkflowDefinition,
  type WorkflowCallbacks,
  type WorkflowDefinition,
  type WorkflowKind,
} from './definition.ts';

/**
 * A checked definition: every part with its id on the server and its path in the code, every job with its merged
 * options.
 */
export type Plan = JobPlan | CompositePlan;

export interface JobPlan {
  readonly kind: 'job';
  /** Ids of the enclosing steps and its own, joined by dots. */
  readonly id: string;
  /** The path in the definition, such as `jobs[1].callbacks.onFailure`. */
  readonly path: string;
  readonly request: JobRequest;
}

export interface CompositePlan {
  readonly kind: WorkflowKind;
  /** '' for the workflow itself. */
  readonly id: string;
  readonly name: string;
  readonly items: readonly PlanItem[];
  readonly callbacks: readonly CallbackPlan[];
}

export interface PlanItem {
  /** The last segment of the id. */
  readonly key: string;
  readonly plan: Plan;
  /** Ids of the steps before it, in a dag. */
  readonly after: readonly string[];
}

export interface CallbackPlan {
  readonly name: CallbackName;
  readonly job: JobPlan;
}

export type CallbackName = 'on_complete' | 'on_success' | 'on_failure';

const callbackKeys = {
  onComplete: 'on_complete',
  onSuccess: 'on_success',
  onFailure: 'on_failure',
} as const satisfies Readonly<Record<keyof WorkflowCallbacks, CallbackName>>;
/** Some servers treat a step with such an id as a callback (ojs-http-binding clients). */
const callbackId = /^on[_-](complete|success|failure)$/;
const maxName = 255;

/** @throws {OJSValidationError} with the path in the definition. */
export function planOf(definition: WorkflowDefinition): CompositePlan {
  if (!isComposite(definition)) {
    throw OJSValidationError.of('definition', 'expected a workflow from chain(), group(), batch() or dag()');
  }
  return composite(definition, '', '', {});
}

/** Every job of the plan, including callbacks. */
export function jobsOf(plan: Plan): readonly JobPlan[] {
  if (plan.kind === 'job') return [plan];
  return [...plan.items.flatMap((item) => jobsOf(item.plan)), ...plan.callbacks.map(({ job }) => job)];
}

function isComposite(value: unknown): value is WorkflowDefinition {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && 'steps' in value && Array.isArray(value.steps)
  );
}

function composite(definition: WorkflowDefinition, id: string, path: string, around: JobOptions): CompositePlan {
  checkNames(definition, definitionNames, path);
  const { kind, name, steps, callbacks } = definition;
  const at = (place: string) => (path === '' ? place : `${path}.${place}`);
  const wrong = (place: string, message: string) => OJSValidationError.of(at(place), message);
  if (typeof name !== 'string' || name === '' || name.length > maxName) {
    throw wrong('name', `expected a text of 1 to ${maxName} characters, got ${JSON.stringify(name)}`);
  }
  if (kind === 'dag' && path !== '') throw OJSValidationError.of(path, 'a dag cannot be nested in another workflow');
  if (steps.length === 0) throw wrong(kind === 'dag' ? 'nodes' : 'jobs', 'expected at least one job');
  if (definition.options.id !== undefined)
    throw wrong('options.id', 'these options apply to several jobs, so they cannot have an id');
  if (kind === 'dag') checkGraph(definition);
  const options = layered(around, definition.options);
  const prefix = id === '' ? '' : `${id}.`;
  const items = steps.map(({ id: key, step, after }) => {
    const place = kind === 'dag' ? at(`nodes.${key}.job`) : at(`jobs[${key}]`);
    const inner = `${prefix}${key}`;
    if (typeof step !== 'object' || step === null)
      throw OJSValidationError.of(place, 'expected a job or a workflow', step);
    const plan = isWorkflowDefinition(step)
      ? composite(step, inner, place, options)
      : jobPlan(step, inner, place, options);
    return { key, plan, after };
  });
  return { kind, id, name, items, callbacks: callbacksOf(callbacks, prefix, at, options, kind) };
}

function jobPlan(request: JobRequest, id: string, path: string, options: JobOptions): JobPlan {
  if (request.id !== undefined)
    throw OJSValidationError.of(`${path}.id`, 'the server chooses the ids of workflow jobs; omit id');
  return { kind: 'job', id, path, request: { ...layered(options, request), type: request.type, args: request.args } };
}

function callbacksOf(
  callbacks: WorkflowCallbacks,
  prefix: string,
  at: (place: string) => string,
  options: JobOptions,
  kind: WorkflowKind,
): readonly CallbackPlan[] {
  const given = (['onComplete', 'onSuccess', 'onFailure'] as const).flatMap((key) => {
    const request = callbacks[key];
    if (request === undefined) return [];
    const name = callbackKeys[key];
    return [{ name, job: jobPlan(request, `${prefix}${name}`, at(`callbacks.${key}`), options) }];
  });
  if (kind === 'batch' && given.length === 0) {
    throw OJSValidationError.of(
      at('callbacks'),
      `a batch has at least one of ${Object.keys(callbackKeys).join(', ')}; without callbacks, use group()`,
    );
  }
  return given;
}

/** @throws {OJSValidationError} for an unknown name in `after`, for a reserved name, and for a cycle. */
function checkGraph({ steps }: WorkflowDefinition): void {
  const waits = new Map(steps.map(({ id, after }) => [id, after] as const));
  for (const { id, step, after } of steps) {
    if (id === '' || id.length > maxName)
      throw OJSValidationError.of('nodes', `expected names of 1 to ${maxName} characters, got ${id.length}`);
    if (callbackId.test(id))
      throw OJSValidationError.of(`nodes.${id}`, 'this name is reserved for callbacks of a batch; choose another');
    if (typeof step === 'object' && step !== null && isWorkflowDefinition(step)) {
      throw OJSValidationError.of(
        `nodes.${id}.job`,
        'a node of a dag is a job, not a workflow; add the jobs of that workflow as nodes',
      );
    }
    after.forEach((name, index) => {
      if (!waits.has(name))
        throw OJSValidationError.of(
          `nodes.${id}.after[${index}]`,
          `there is no node ${JSON.stringify(name)}.${didYouMean(name, waits.keys())}`.replace(/\.$/, ''),
        );
    });
  }
  const free = new Set<string>();
  for (let before = -1; before < free.size; ) {
    before = free.size;
    for (const [id, after] of waits) if (after.every((name) => free.has(name))) free.add(id);
  }
  const stuck = steps.filter(({ id }) => !free.has(id)).map(({ id }) => id);
  if (stuck.length > 0)
    throw OJSValidationError.of(`nodes.${stuck[0]}.after`, `the nodes ${stuck.join(', ')} wait for each other`);
}

/** Merges `own` over `defaults`, and both `meta` objects. */
function layered<T extends JobOptions>(defaults: JobOptions, own: T): JobOptions & T {
  const base: JobOptions = { ...defaults };
  for (const names of spellings)
    if (names.some((name) => own[name] !== undefined)) for (const name of names) delete base[name];
  const meta = defaults.meta === undefined && own.meta === undefined ? {} : { meta: { ...defaults.meta, ...own.meta } };
  // A definition is in `own` under a symbol, which compact() leaves out.
  return { ...own, ...base, ...compact(own), ...meta };
}
