import type { JobId, JobRecord } from '@ojs-ts/core/job';
import { decideNode, isReady, lowered, parentOf } from '@ojs-ts/core/workflow';
import type { NodeRecord, WorkflowRecord, WorkflowStep, Workflows } from '../../storage/storage.ts';

type Close = Extract<WorkflowStep, { readonly kind: 'close' }>;

const noJobs: ReadonlyMap<JobId, JobRecord> = new Map();
/** Nodes that are read ahead at once: the steps of a chain are adjacent. */
const readAhead = 100;

/**
 * The consequences of closing nodes that need only closed nodes: the same call closes the steps after a failed one, and
 * the ends of nested composites. So a chain of a thousand whose first step fails ends in a few commits. At most `limit`
 * steps, in an order that the store accepts.
 * @param decided the steps of the `ready` nodes, by workflow and index.
 */
export async function cascade(
  workflows: Workflows,
  ready: readonly { readonly workflow: WorkflowRecord; readonly node: NodeRecord }[],
  decided: ReadonlyMap<string, WorkflowStep>,
  limit: number,
  now: number,
): Promise<readonly WorkflowStep[]> {
  const steps: WorkflowStep[] = [];
  const readers = new Map<string, Reader>();
  const queue: { readonly workflow: WorkflowRecord; readonly node: NodeRecord; readonly step: Close }[] = [];
  for (const { workflow, node } of ready) {
    const step = decided.get(`${node.workflow}:${node.index}`);
    if (step?.kind === 'close' && step.end === null) queue.push({ workflow, node, step });
  }
  for (const { workflow, node, step } of queue) {
    const reader = readers.get(workflow.id) ?? new Reader(workflows, workflow.id);
    readers.set(workflow.id, reader);
    reader.closed.set(node.index, {
      ...node,
      state: step.state,
      result: step.result,
      error: step.error,
      closedAt: now,
    });
    for (const index of node.next) {
      if (steps.length >= limit) return steps;
      const dependent = await reader.lower(index, step.passes);
      if (dependent === null || !isReady(dependent)) continue;
      const next = decideNode(workflow, dependent, { nodes: reader.closed, jobs: noJobs }, now);
      // A step that starts a job, or needs to read something, is decided after this is written.
      if (next.kind !== 'close') continue;
      // A job that waits for the workflow is woken before.
      if (next.end !== null && parentOf(workflow) !== null) continue;
      steps.push(next);
      if (next.end === null) queue.push({ workflow, node: dependent, step: next });
    }
  }
  return steps;
}

/** Nodes of a workflow after these steps. */
class Reader {
  readonly closed = new Map<number, NodeRecord>();
  readonly #workflows: Workflows;
  readonly #workflow: string;
  readonly #nodes = new Map<number, NodeRecord>();

  constructor(workflows: Workflows, workflow: string) {
    this.#workflows = workflows;
    this.#workflow = workflow;
  }

  async lower(index: number, passes: boolean): Promise<NodeRecord | null> {
    if (!this.#nodes.has(index)) {
      for (const node of await this.#workflows.nodes(this.#workflow, index - 1, readAhead)) {
        if (!this.#nodes.has(node.index)) this.#nodes.set(node.index, node);
      }
    }
    const node = this.#nodes.get(index);
    if (!node) return null;
    const after = lowered(node, passes);
    this.#nodes.set(index, after);
    return after;
  }
}
