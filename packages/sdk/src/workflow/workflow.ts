import { OJSAnswerError } from '../errors.ts';
import { compact, dateOf, isWire, type JsonArray, textOf, textsOf, type Wire, wireOf } from '../json.ts';

/** From its first job to its end. */
export type WorkflowState = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';

/** A job of a workflow, or a workflow inside it, which has no job of its own. */
export interface WorkflowStep {
  /** Its index, or its name in a dag; inside another step after that one's id and a dot. Callbacks are `on_complete`, `on_success`, `on_failure`. */
  readonly id: string;
  readonly type: string;
  readonly args: JsonArray;
  /** `waiting`, `pending`, `active`, `completed`, `failed` or `cancelled` (ojs-workflows §4.4). */
  readonly state: string;
  readonly dependsOn: readonly string[];
  /** Once there is one. */
  readonly jobId?: string;
  readonly result?: unknown;
  /** Why it failed. */
  readonly error?: Readonly<Record<string, unknown>>;
  readonly startedAt?: Date;
  readonly completedAt?: Date;
}

/** A workflow as the server described it. */
export interface Workflow {
  readonly id: string;
  readonly name: string;
  readonly state: WorkflowState;
  /** Of every kind: chain steps, group and batch jobs, then callbacks; what stands in another step comes right after it. */
  readonly steps: readonly WorkflowStep[];
  readonly createdAt?: Date;
  readonly completedAt?: Date;
  /** The workflow as received. */
  readonly raw: Wire;
}

/** How far a workflow is: of a chain and a graph the part of the steps that are done, of others the mean of their jobs. */
export interface WorkflowProgress {
  /** From 0 to 100. */
  readonly percent: number;
  readonly steps: readonly {
    readonly jobId?: string;
    readonly type: string;
    readonly state: string;
    readonly percent: number;
    /** What the job reported beside it. */
    readonly data?: unknown;
  }[];
}

/** Reads a workflow's wire object, also where it stands under `workflow`. */
export function readWorkflow(body: unknown): Workflow {
  const raw = isWire(body) && isWire(body.workflow) ? body.workflow : body;
  if (!isWire(raw) || typeof raw.id !== 'string')
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
  return list.filter(isWire);
}

/** The id of an item: the one that the server gives, else made from its place as ours does. */
export function idOf(item: Wire, prefix: string, place: string | number): string {
  return textOf(item.id) ?? `${prefix}${place}`;
}

/** By id, because a server may list its callbacks among the steps as well. */
function stepsOf(raw: Wire, prefix: string): ReadonlyMap<string, WorkflowStep> {
  const callbacks = Object.entries(wireOf(raw.callbacks) ?? {}).flatMap(([name, item]) =>
    isWire(item) ? [[idOf(item, prefix, name), item] as const] : [],
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
