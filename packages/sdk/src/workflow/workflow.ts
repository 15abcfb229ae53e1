import { isObject } from '@ojs-ts/core';
import { OJSAnswerError } from '../errors.ts';
import { compact, dateOf, type JsonArray, textOf, textsOf, type Wire, wireOf } from '../json.ts';

/** The states of a workflow. */
export type WorkflowState = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';

/** A step of a workflow: a job, or a nested workflow, which has no job of its own. */
export interface WorkflowStep {
  /**
   * The index, or the name in a dag. A nested step has its parent's id and a dot in front. Callbacks are `on_complete`,
   * `on_success` and `on_failure`.
   */
  readonly id: string;
  readonly type: string;
  readonly args: JsonArray;
  /** `waiting`, `pending`, `active`, `completed`, `failed` or `cancelled` (ojs-workflows §4.4). */
  readonly state: string;
  readonly dependsOn: readonly string[];
  /** Absent until the step has a job. */
  readonly jobId?: string;
  readonly result?: unknown;
  /** The error of a failed step. */
  readonly error?: Readonly<Record<string, unknown>>;
  readonly startedAt?: Date;
  readonly completedAt?: Date;
}

/** A workflow as the server describes it. */
export interface Workflow {
  readonly id: string;
  readonly name: string;
  readonly state: WorkflowState;
  /**
   * All steps in order: the steps of a chain, or the jobs of a group or batch, then callbacks. Nested steps follow
   * their parent.
   */
  readonly steps: readonly WorkflowStep[];
  readonly createdAt?: Date;
  readonly completedAt?: Date;
  /** The workflow as received. */
  readonly raw: Wire;
}

/**
 * The progress of a workflow (ojs-progress §9). For a chain and a dag, the share of steps that have ended; for a group
 * and a batch, the mean of the jobs. The server of this project lists the first 100 steps.
 */
export interface WorkflowProgress {
  /** From 0 to 100, in percent. */
  readonly percent: number;
  readonly steps: readonly {
    readonly jobId?: string;
    readonly type: string;
    readonly state: string;
    readonly percent: number;
    /** The data of the job's last progress report. */
    readonly data?: unknown;
  }[];
}

/**
 * Reads a workflow's wire object, also if it is in a member `workflow`.
 * @throws {OJSAnswerError} if there is none.
 */
export function readWorkflow(body: unknown): Workflow {
  const raw = isObject(body) && isObject(body.workflow) ? body.workflow : body;
  if (!isObject(raw) || typeof raw.id !== 'string')
    throw new OJSAnswerError('The answer holds no workflow: expected an object with an id.');
  return compact({
    id: raw.id,
    name: textOf(raw.name) ?? '',
    state: stateOf(raw.state),
    steps: [...stepsOf(raw, '').values()],
    createdAt: dateOf(raw.created_at),
    completedAt: dateOf(raw.completed_at),
    raw,
  });
}

/** The items of a workflow, or of one inside it. */
export function itemsOf(raw: Wire): readonly Wire[] {
  const list = Array.isArray(raw.steps) ? raw.steps : Array.isArray(raw.jobs) ? raw.jobs : [];
  return list.filter(isObject);
}

/** The id of an item: the server's, otherwise one made from its position, as our server does. */
export function idOf(item: Wire, prefix: string, place: string | number): string {
  return textOf(item.id) ?? `${prefix}${place}`;
}

/** Keyed by id, because a server may list its callbacks among the steps as well. */
function stepsOf(raw: Wire, prefix: string): ReadonlyMap<string, WorkflowStep> {
  const callbacks = Object.entries(wireOf(raw.callbacks) ?? {}).flatMap(([name, item]) =>
    isObject(item) ? [[idOf(item, prefix, name), item] as const] : [],
  );
  const fired = new Set(callbacks.map(([id]) => id));
  const items = itemsOf(raw).map((item, index) => [idOf(item, prefix, index), item] as const);
  const steps = new Map<string, WorkflowStep>();
  for (const [id, item] of [...items.filter(([id]) => !fired.has(id)), ...callbacks]) {
    steps.set(id, stepOf(id, item));
    if (itemsOf(item).length > 0) for (const [inner, step] of stepsOf(item, `${id}.`)) steps.set(inner, step);
  }
  return steps;
}

function stepOf(id: string, raw: Wire): WorkflowStep {
  return compact({
    id,
    type: textOf(raw.type) ?? '',
    args: Array.isArray(raw.args) ? raw.args : [],
    state: textOf(raw.state) ?? 'waiting',
    dependsOn: textsOf(raw.depends_on) ?? [],
    jobId: textOf(raw.job_id),
    result: raw.result,
    error: wireOf(raw.error),
    startedAt: dateOf(raw.started_at),
    completedAt: dateOf(raw.completed_at),
  });
}

function stateOf(state: unknown): WorkflowState {
  switch (state) {
    case 'pending':
    case 'completed':
    case 'failed':
    case 'cancelled':
      return state;
    default:
      // Some servers say `active`.
      return 'running';
  }
}
