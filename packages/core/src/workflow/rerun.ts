import type { JobId } from '../job/job.ts';
import { workflowCreated } from './events.ts';
import { orphaned } from './spec.ts';
import type { NewNode, NewWorkflow, NodeRecord } from './types.ts';

/**
 * A new workflow with the definition of another one: the same steps and arguments. Times that are
 * relative count from now.
 * @param newId mints the ids of the workflow and of its jobs.
 */
export function rerunWorkflow(
  { name, kind, spec, total }: NewWorkflow,
  nodes: readonly NodeRecord[],
  newId: () => JobId,
): { readonly workflow: NewWorkflow; readonly nodes: readonly NewNode[]; readonly events: readonly string[] } {
  const workflow: NewWorkflow = { id: newId(), name, kind, spec: orphaned(spec), total };
  const open = new Map<number, number>();
  for (const { next } of nodes) for (const index of next) open.set(index, (open.get(index) ?? 0) + 1);
  const fresh = nodes.map(({ index, name, job, next, member, spec }): NewNode => {
    return { index, name, job: job === null ? null : newId(), open: open.get(index) ?? 0, next, member, spec };
  });
  return { workflow, nodes: fresh, events: workflowCreated(workflow) };
}
