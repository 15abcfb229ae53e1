import { type EventSubject, otherEventEntry } from '../events/events.ts';
import type { EventKind } from '../events/kinds.ts';
import type { Json, NewJob } from '../job/job.ts';
import { State } from '../job/states.ts';
import { members } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import type { FailedNode, StepError } from './failures.ts';
import type { CallbackName } from './plan.ts';
import type { NewNode, NewWorkflow, WorkflowRecord } from './types.ts';

/** A workflow after a node of it was counted. */
export interface WorkflowCounts {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
}

/**
 * The events of a member that a terminal change of its job has closed (ojs-workflows appendix B, ojs-events §5.4): of a
 * step where steps depend on each other, of a job in a group or batch. `workflow` has the member counted already.
 * @param error JSON text of why the member failed, if no event of its job has it.
 */
export function nodeEvents(
  workflow: WorkflowCounts,
  node: { readonly index: number; readonly name: string },
  job: EventSubject,
  now: Millis,
  error: Json | null = null,
): readonly Json[] {
  const { total, completed, failed, cancelled } = workflow;
  const data = {
    ...about(workflow),
    job_id: job.id,
    job_type: job.type,
    ...(job.startedAt !== null && { duration_ms: Math.max(0, now - job.startedAt) }),
    step_id: node.name,
    step_type: job.type,
    ...(isUnordered(workflow)
      ? { job_index: node.index, completed_count: completed, failed_count: failed + cancelled, total_count: total }
      : { step_index: node.index }),
    steps_remaining: remaining(workflow),
    ...(error !== null && { error: JSON.parse(error) }),
  };
  return [event(nodeKind(workflow, job), workflow, data, job.queue)];
}

export function nodeKind(workflow: Pick<WorkflowCounts, 'kind'>, { state }: Pick<EventSubject, 'state'>): EventKind {
  return `workflow.${isUnordered(workflow) ? 'job' : 'step'}_${state === State.completed ? 'completed' : 'failed'}`;
}

/** Workflows in which no member depends on another. */
export const unorderedKinds: readonly string[] = ['group', 'batch'];

export function isUnordered({ kind }: Pick<WorkflowCounts, 'kind'>): boolean {
  return unorderedKinds.includes(kind);
}

export function remaining({ total, completed, failed, cancelled }: WorkflowCounts): number {
  return Math.max(0, total - completed - failed - cancelled);
}

/**
 * The events of a member that was closed because its job could not be made.
 * @param queue its intended queue; '' if that is unknown.
 */
export function refusalEvents(
  workflow: WorkflowCounts,
  node: NewNode,
  { type, queue }: { readonly type: string; readonly queue: string },
  error: Json,
  now: Millis,
): readonly Json[] {
  const job = {
    id: node.job ?? '',
    type,
    queue,
    state: State.discarded,
    attempt: 0,
    worker: null,
    startedAt: null,
    trace: null,
  };
  return nodeEvents({ ...workflow, failed: workflow.failed + 1 }, node, job, now, error);
}

/**
 * The events of a workflow's creation. Its first jobs are there with it, so it has started: a workflow is `running`
 * from its creation.
 */
export function workflowCreated(workflow: NewWorkflow): readonly Json[] {
  const data = { ...about(workflow), total_steps: workflow.total };
  return [event('workflow.created', workflow, data), event('workflow.started', workflow, data)];
}

export function callbackFired(
  workflow: WorkflowRecord,
  callback: CallbackName,
  job: Pick<NewJob, 'id' | 'type' | 'queue'>,
): Json {
  return event(
    'workflow.callback_fired',
    workflow,
    { ...about(workflow), callback, job_id: job.id, job_type: job.type },
    job.queue,
  );
}

export function workflowCompleted(workflow: WorkflowRecord, now: Millis): Json {
  return event('workflow.completed', workflow, {
    ...about(workflow),
    total_steps: workflow.total,
    duration_ms: now - workflow.createdAt,
  });
}

export function workflowFailed(
  workflow: WorkflowRecord,
  cause: FailedNode | undefined,
  error: StepError | undefined,
  now: Millis,
): Json {
  const data = {
    ...about(workflow),
    total_steps: workflow.total,
    duration_ms: now - workflow.createdAt,
    ...(cause && { failed_step_id: cause.node.name, failed_step_type: jobType(cause.spec.job) }),
    ...(error && { error: { code: error.code, message: error.message, job_id: error.job_id } }),
  };
  return event('workflow.failed', workflow, data);
}

/** The event of an ended workflow that continues, because a dead step of it was retried. */
export function workflowReopened(workflow: WorkflowRecord, step: string, job: string): Json {
  return event('workflow.reopened', workflow, {
    ...about(workflow),
    total_steps: workflow.total,
    step_id: step,
    job_id: job,
  });
}

/** The event of a workflow that an operator ends. */
export function workflowCancelled(workflow: WorkflowRecord, now: Millis): Json {
  return event('workflow.cancelled', workflow, {
    ...about(workflow),
    total_steps: workflow.total,
    duration_ms: now - workflow.createdAt,
  });
}

/** The type in an envelope as sent. */
export function jobType(envelope: Json): string {
  return JSON.parse(members(envelope).get('type') ?? '""');
}

function about({ id, name, kind }: Pick<NewWorkflow, 'id' | 'name' | 'kind'>): Readonly<Record<string, unknown>> {
  return { workflow_id: id, workflow_name: name, workflow_type: kind };
}

function event(
  kind: EventKind,
  { id }: { readonly id: string },
  data: Readonly<Record<string, unknown>>,
  queue = '',
): Json {
  return otherEventEntry(kind, id, JSON.stringify(data), queue);
}
