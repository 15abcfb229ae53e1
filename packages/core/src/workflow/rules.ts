import { State } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import type { CallbackName } from './plan.ts';
import type { JobSpec } from './spec.ts';
import type { NewNode, NewWorkflow, NodeRecord, WorkflowRecord } from './types.ts';

/** Reports whether a callback is due when so many of the jobs of its batch did not pass (ojs-workflows §6.5). */
export function isDue(callback: CallbackName, failed: number): boolean {
  return callback === 'on_complete' || (callback === 'on_failure') === failed > 0;
}

/** Reports whether the item of a composite was closed because its dependencies had failed. */
export function isSkipped({ state, failed }: Pick<NodeRecord, 'state' | 'failed'>): boolean {
  return state === 'cancelled' && failed > 0;
}

/**
 * Reports whether a node whose dependencies are closed runs its job.
 * @param first the first item of the batch that a guarded callback belongs to.
 */
export function runs(
  node: Pick<NodeRecord, 'failed'>,
  { callback, guard }: JobSpec,
  first: NodeRecord | null,
): boolean {
  if (callback === null) return node.failed === 0;
  return isDue(callback, node.failed) && !(guard && first !== null && isSkipped(first));
}

/** A node as it is made. */
export function nodeRecordOf(workflow: string, node: NewNode): NodeRecord {
  return { ...node, workflow, state: 'waiting', failed: 0, result: null, error: null, closedAt: null };
}

/** Ready is a stored fact: what a crash left is found by it. */
export function isReady(node: Pick<NodeRecord, 'state' | 'open'>): boolean {
  return node.state === 'waiting' && node.open === 0;
}

/** A dependent after one of its dependencies was closed. */
export function lowered(node: NodeRecord, passes: boolean): NodeRecord {
  return { ...node, open: node.open - 1, failed: node.failed + (passes ? 0 : 1) };
}

/** A workflow as it is made. */
export function newWorkflow(workflow: NewWorkflow, now: Millis): WorkflowRecord {
  return {
    ...workflow,
    state: 'running',
    completed: 0,
    failed: 0,
    cancelled: 0,
    createdAt: now,
    finishedAt: null,
    end: null,
    sweeping: false,
  };
}

/**
 * A repeated creation: everything that the client said is the same. A repetition mints new ids of jobs, so nodes are
 * not compared.
 */
export function isSameWorkflow(stored: NewWorkflow, other: NewWorkflow): boolean {
  return (
    stored.name === other.name &&
    stored.kind === other.kind &&
    stored.total === other.total &&
    stored.spec === other.spec
  );
}

/** Reports whether a job of an ended workflow may still run: one that ran when it was cancelled. */
export function hasOpenSteps(
  workflow: Pick<WorkflowRecord, 'state' | 'completed' | 'failed' | 'cancelled' | 'total'>,
): boolean {
  const { state, completed, failed, cancelled, total } = workflow;
  return state === 'cancelled' && completed + failed + cancelled < total;
}

type Closed = 'completed' | 'failed' | 'cancelled';

/** How a node ends whose job ended, or was removed, in this state. */
export function closedAs(job: State): Closed {
  if (job === State.completed) return 'completed';
  return job === State.cancelled ? 'cancelled' : 'failed';
}

/** The workflow after this many of its nodes ended alike; only members count. */
export function counted(workflow: WorkflowRecord, state: Closed, members: number): WorkflowRecord {
  return { ...workflow, [state]: workflow[state] + members };
}
