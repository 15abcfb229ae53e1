import type { JobId, JobRecord, Json } from '../job/job.ts';
import { valueAt } from '../json/json.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { begun, errorOf, isClosed, jobStep, type StepState } from './render-steps.ts';
import { readNodeSpec } from './spec.ts';
import type { NodeRecord, WorkflowRecord } from './types.ts';

/**
 * The kind of a node of a graph other than a job. A gate ends when all jobs of a batch have ended; its callbacks
 * follow.
 */
type Kind = 'job' | 'callback' | 'chain' | 'group' | 'batch' | 'gate';

interface GraphNode {
  readonly node: NodeRecord;
  readonly kind: Kind;
  /** Index of the chain, group or batch around it; null for the workflow itself. */
  readonly within: number | null;
}

/**
 * A workflow of any form as a graph: its nodes, and for each the indexes of the nodes that it waits for. Arguments and
 * results are left out.
 * @param nodes all of them by index.
 * @param jobs of the nodes that have one, as far as they are kept.
 */
export function renderGraph(
  workflow: WorkflowRecord,
  nodes: readonly NodeRecord[],
  jobs: ReadonlyMap<JobId, JobRecord>,
  running: 'running' | 'active' = 'running',
): Json {
  const before = dependencies(nodes);
  const around = surroundings(nodes);
  const states = statesOf(workflow, nodes, jobs);
  const shown: GraphNode[] = nodes.flatMap((node) => {
    const kind = kindOf(node);
    return kind === null ? [] : [{ node, kind, within: around.get(node.index) ?? null }];
  });
  const texts = shown.map(({ node, kind, within }) => {
    const spec = readNodeSpec(node.spec);
    const job = (node.job === null ? undefined : jobs.get(node.job)) ?? null;
    const state = states.get(node.index) ?? 'waiting';
    let text = `{"index":${node.index},"id":${JSON.stringify(node.name)},"kind":"${kind}","state":"${state}"`;
    text += `,"depends_on":[${before.get(node.index) ?? []}],"within":${within}`;
    if (spec.role === 'job') {
      const { hasJob } = jobStep(workflow, nodes, node, spec, job);
      text += `,"type":${valueAt(spec.job, ['type']) ?? '""'},"job_id":${hasJob ? `"${node.job}"` : 'null'}`;
      if (spec.callback !== null) text += `,"callback":"${spec.callback}"`;
      if (job !== null && hasJob) text += `,"attempt":${job.attempt}`;
      if (job !== null && hasJob && job.startedAt !== null) text += `,"started_at":"${formatTimestamp(job.startedAt)}"`;
      if (node.state === 'failed') text += errorOf(node, job);
    }
    return node.closedAt === null ? `${text}}` : `${text},"ended_at":"${formatTimestamp(node.closedAt)}"}`;
  });
  const { id, kind, name, state } = workflow;
  const head = `{"workflow_id":"${id}","type":"${kind}","name":${JSON.stringify(name)}`;
  return `${head},"state":"${state === 'running' ? running : state}","nodes":[${texts.join(',')}]}`;
}

/** Null for the node that ends the workflow, which represents the workflow itself. */
function kindOf({ spec }: NodeRecord): Kind | null {
  const read = readNodeSpec(spec);
  if (read.role === 'root') return null;
  return read.role === 'job' && read.callback !== null ? 'callback' : read.role;
}

/** The indexes of the nodes before each node, in order. */
function dependencies(nodes: readonly NodeRecord[]): ReadonlyMap<number, readonly number[]> {
  const before = new Map<number, number[]>();
  for (const { index, next } of nodes)
    for (const other of next) {
      const known = before.get(other);
      if (known === undefined) before.set(other, [index]);
      else known.push(index);
    }
  return before;
}

/** The node of the nested composite that each node belongs to. */
function surroundings(nodes: readonly NodeRecord[]): ReadonlyMap<number, number> {
  const around = new Map<number, number>();
  for (const { index: within, spec } of nodes) {
    const read = readNodeSpec(spec);
    if (read.role === 'job' || !('block' in read)) continue;
    const [base, count] = read.block;
    for (let index = base; index < base + count; index++) around.set(index, within);
    // The gate of a batch comes between its jobs and its callbacks.
    const [first] = read.callbacks;
    if (first !== undefined) around.set(first - 1, within);
    for (const index of read.callbacks) around.set(index, within);
  }
  return around;
}

/** Nested composites have the states of their items until they end. Their own node comes before their items. */
function statesOf(
  workflow: WorkflowRecord,
  nodes: readonly NodeRecord[],
  jobs: ReadonlyMap<JobId, JobRecord>,
): ReadonlyMap<number, StepState> {
  const states = new Map<number, StepState>();
  for (const node of nodes.toReversed()) {
    const spec = readNodeSpec(node.spec);
    const job = (node.job === null ? undefined : jobs.get(node.job)) ?? null;
    if (spec.role === 'job') states.set(node.index, jobStep(workflow, nodes, node, spec, job).state);
    else if (isClosed(node.state)) states.set(node.index, node.state);
    else if (!('block' in spec)) states.set(node.index, 'waiting');
    else {
      const [base, count] = spec.block;
      const items = Array.from({ length: count }, (_, item) => states.get(base + item) ?? 'waiting');
      states.set(node.index, begun(items));
    }
  }
  return states;
}
