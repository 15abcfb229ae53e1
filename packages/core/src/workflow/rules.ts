import type { CallbackName } from './plan.ts';
import type { JobSpec } from './spec.ts';
import type { NewNode, NodeRecord } from './types.ts';

/** Whether a callback is due when so many of the jobs of its batch did not pass (ojs-workflows §6.5). */
export function isDue(callback: CallbackName, failed: number): boolean {
  return callback === 'on_complete' || (callback === 'on_failure') === failed > 0;
}

/** Whether the item of a composite was closed because what it waited for had failed. */
export function isSkipped({ state, failed }: Pick<NodeRecord, 'state' | 'failed'>): boolean {
  return state === 'cancelled' && failed > 0;
}

/**
 * Whether a node whose dependencies are closed runs its job.
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
