import type { Operation } from '../connection/operation.ts';
import { compact, dateOf, eachOf, listOf, numberOf, oneOf, textOf, wireOf } from '../json.ts';
import type { WorkflowState } from './workflow.ts';

/** A workflow of any form as nodes and the nodes that each of them waits for. */
export interface WorkflowGraph {
  readonly workflowId: string;
  /** `chain`, `group`, `batch` or `dag`. */
  readonly type: string;
  readonly name: string;
  readonly state: WorkflowState;
  readonly nodes: readonly WorkflowGraphNode[];
}

/** A job, a callback, or the end of a chain, group or batch within the workflow. */
export interface WorkflowGraphNode {
  /** The target that {@link dependsOn} and {@link within} name. */
  readonly index: number;
  /** The id of the step; steps of nested workflows may share one. */
  readonly id: string;
  /** A `gate` ends when all jobs of a batch have ended; its callbacks follow. */
  readonly kind: 'job' | 'callback' | 'chain' | 'group' | 'batch' | 'gate';
  /** `waiting`, `pending`, `active`, `completed`, `failed` or `cancelled`. */
  readonly state: string;
  readonly dependsOn: readonly number[];
  /** The chain, group or batch around it; absent in the workflow itself. */
  readonly within?: number;
  /** The type of a job or callback. */
  readonly type?: string;
  readonly jobId?: string;
  readonly callback?: string;
  readonly attempt?: number;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
}

const kindOf = oneOf('job', 'callback', 'chain', 'group', 'batch', 'gate');
const stateOf = oneOf('running', 'completed', 'failed', 'cancelled');

export function* workflowGraph(workflowId: string): Operation<WorkflowGraph> {
  const body = yield { call: { operation: 'workflow.graph', params: { id: workflowId } } };
  return {
    workflowId: textOf(body.workflow_id) ?? workflowId,
    type: textOf(body.type) ?? '',
    name: textOf(body.name) ?? '',
    state: stateOf(body.state) ?? 'running',
    nodes: eachOf(body.nodes, readNode),
  };
}

function readNode(item: unknown): WorkflowGraphNode | undefined {
  const raw = wireOf(item);
  const [index, kind] = [numberOf(raw?.index), kindOf(raw?.kind)];
  if (raw === undefined || index === undefined || kind === undefined) return undefined;
  return compact({
    index,
    id: textOf(raw.id) ?? '',
    kind,
    state: textOf(raw.state) ?? 'waiting',
    dependsOn: listOf(raw.depends_on).flatMap((one) => numberOf(one) ?? []),
    within: numberOf(raw.within),
    type: textOf(raw.type),
    jobId: textOf(raw.job_id),
    callback: textOf(raw.callback),
    attempt: numberOf(raw.attempt),
    startedAt: dateOf(raw.started_at),
    endedAt: dateOf(raw.ended_at),
  });
}
