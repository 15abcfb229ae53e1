/** Applies a retry's decision in a storage. */
import type { NodeChange, Reopening } from '../job/reopening.ts';
import type { NodeRecord, WorkflowRecord } from './types.ts';

/** Reports whether the changes fit the workflow and its nodes as they are. */
export function fitsReopening(
  { was, nodes }: Reopening,
  flow: Pick<WorkflowRecord, 'state'> | null,
  node: (index: number) => Pick<NodeRecord, 'state' | 'job'> | null,
): boolean {
  if (flow?.state !== was) return false;
  return nodes.every((change) => {
    const found = node(change.index);
    return found?.state === change.was && (change.own === undefined || change.own === found.job);
  });
}

export function reopenedNode(node: NodeRecord, { to, opened, fewerFailed, job }: NodeChange): NodeRecord {
  const { open, failed } = node;
  const next = { open: open + opened, failed: failed - fewerFailed, job: job ?? node.job };
  return { ...node, ...next, state: to, result: null, error: null, closedAt: null };
}

/** Counts the ended members that the retry opens again, by state. The workflow's counts go down by these numbers. */
export function uncounted(
  { nodes }: Reopening,
  isMember: (index: number) => boolean,
): Readonly<Record<'completed' | 'failed' | 'cancelled', number>> {
  const counts = { completed: 0, failed: 0, cancelled: 0 };
  for (const { index, was } of nodes) if (was !== 'waiting' && was !== 'pending' && isMember(index)) counts[was] += 1;
  return counts;
}

export function reopenedWorkflow(
  workflow: WorkflowRecord,
  reopening: Reopening,
  isMember: (index: number) => boolean,
): WorkflowRecord {
  const { completed, failed, cancelled } = uncounted(reopening, isMember);
  return {
    ...workflow,
    state: 'running',
    completed: workflow.completed - completed,
    failed: workflow.failed - failed,
    cancelled: workflow.cancelled - cancelled,
    finishedAt: null,
    end: null,
  };
}
