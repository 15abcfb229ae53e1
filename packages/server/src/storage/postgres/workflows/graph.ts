import type { Millis } from '@ojs-ts/core';
import type { EventSubject } from '@ojs-ts/core/events';
import type { Json, NodeRef, Reopening, WorkflowState } from '@ojs-ts/core/job';
import { closedAs, fitsReopening, isReady, uncounted } from '@ojs-ts/core/workflow';
import type { Transaction } from '../connection/transaction.ts';
import type { EventBuffer } from '../events/event-buffer.ts';
import {
  forgetEnds,
  type LockedNode,
  type LockedWorkflow,
  lockWorkflows,
  nodesPerWorkflow,
  readNodes,
  writeGraph,
} from './nodes.ts';

/** The end or the removal of a job that belongs to a node. */
export interface NodeEnd {
  readonly node: NodeRef;
  /** After the change. */
  readonly job: EventSubject;
  readonly result: Json | null;
  /** A section behind the job's own events. */
  readonly log: EventBuffer;
}

const none: readonly NodeRef[] = [];
/** The nodes of an ended workflow keep their state, but nothing looks for them any more. */
const noneReady = 'UPDATE ojs.nodes SET ready = false WHERE ready AND number >= $1 AND number < $2';

/**
 * Closes the nodes of these jobs one after the other, and counts them down in their dependents. Returns for each end
 * the dependents that became ready. Called once in a transaction, after its jobs are written: it takes the last locks.
 */
export async function closeNodes(
  tx: Transaction,
  ends: readonly NodeEnd[],
  now: Millis,
): Promise<readonly (readonly NodeRef[])[]> {
  if (ends.length === 0) return [];
  const graph = new Graph(tx);
  await graph.open(
    ends.map(({ node }) => node),
    { dependents: true },
  );
  const answers = ends.map((end) => graph.jobEnded(end, now));
  graph.flush();
  return answers;
}

/**
 * The workflows that a transaction has locked, and nodes of them. Each is read and written once, however many of its
 * jobs end.
 *
 * A workflow is locked as a whole: a change of the workflow or of one of its nodes holds the row of the workflow.
 * Workflows come after keys and jobs in the order of locks, by creation. So nodes need no locks of their own, and
 * events have exact counts; with deltas two nodes that close at once would both report the same `completed_count`.
 * Deltas would gain little, because the members of a group share the row of their join anyhow. The lock is short: it is
 * the last one before the commit, and taken once for a whole batch. A fan-in of 10,000, ended by four clients in
 * batches of 100, locks 100 times for a few milliseconds.
 */
export class Graph {
  readonly #tx: Transaction;
  readonly #flows = new Map<string, LockedWorkflow>();
  readonly #nodes = new Map<LockedWorkflow, Map<number, LockedNode>>();
  readonly #ended = new Set<number>();

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  /**
   * Locks the workflows of these nodes, and reads them and the nodes.
   * @param dependents reads those too that depend on a node that may close.
   * @param others workflows that will be locked later in the transaction.
   */
  async open(
    refs: readonly NodeRef[],
    { dependents = false, others = [] }: { readonly dependents?: boolean; readonly others?: readonly string[] } = {},
  ): Promise<void> {
    const ids = new Set([...refs.map(({ workflow }) => workflow), ...others]);
    // The second statement is sent behind the first, and runs once that has its locks.
    const [flows, read] = await Promise.all([lockWorkflows(this.#tx, [...ids]), readNodes(this.#tx, refs, dependents)]);
    for (const flow of flows) this.#flows.set(flow.id, flow);
    for (const node of read(flows)) {
      const nodes = this.#nodes.get(node.flow) ?? new Map<number, LockedNode>();
      if (node.next.length > 0 || !nodes.has(node.index)) nodes.set(node.index, node);
      this.#nodes.set(node.flow, nodes);
    }
  }

  flow(id: string): LockedWorkflow | null {
    return this.#flows.get(id) ?? null;
  }

  node({ workflow, index }: NodeRef): LockedNode | null {
    const flow = this.#flows.get(workflow);
    return (flow && this.#nodes.get(flow)?.get(index)) ?? null;
  }

  jobEnded({ node: ref, job, result, log }: NodeEnd, now: Millis): readonly NodeRef[] {
    const node = this.node(ref);
    if (node?.state !== 'pending' || node.job !== job.id) return none;
    const state = closedAs(job.state);
    this.close(node, state, { result, error: null }, now);
    if (node.flow.state !== 'running') return none;
    if (node.member) log.node(node.flow, node, job, now);
    return this.lower(node, state === 'completed');
  }

  /** Notes that the job of a ready node was inserted. */
  start(node: LockedNode): void {
    node.state = 'pending';
    node.changed = true;
  }

  close(
    node: LockedNode,
    state: ReturnType<typeof closedAs>,
    { result, error }: Pick<LockedNode, 'result' | 'error'>,
    now: Millis,
  ): void {
    Object.assign(node, { state, result, error, closedAt: now, changed: true });
    if (!node.member) return;
    node.flow[state] += 1;
    node.flow.changed = true;
  }

  /** Counts a closed node down in its dependents; returns those that became ready. */
  lower({ flow, next }: LockedNode, passes: boolean): readonly NodeRef[] {
    const ready: NodeRef[] = [];
    for (const index of next) {
      const node = this.node({ workflow: flow.id, index });
      if (!node) continue;
      node.open -= 1;
      if (!passes) node.failed += 1;
      node.changed = true;
      if (isReady(node)) ready.push({ workflow: flow.id, index });
    }
    return ready;
  }

  end(flow: LockedWorkflow, state: Exclude<WorkflowState, 'running'>, end: Json | null, now: Millis): void {
    this.#tx.counts.addWorkflow(flow.state, -1);
    this.#tx.counts.addWorkflow(state, 1);
    Object.assign(flow, { state, end, finishedAt: now, changed: true });
    this.#ended.add(flow.number);
  }

  /** Carries out what a retry does to a workflow; false if the workflow or a node has changed since. */
  reopen(reopening: Reopening): boolean {
    const flow = this.flow(reopening.workflow);
    const nodeAt = (index: number) => this.node({ workflow: reopening.workflow, index });
    if (!flow || !fitsReopening(reopening, flow, nodeAt)) return false;
    const counts = uncounted(reopening, (index) => nodeAt(index)?.member === true);
    const nodes: LockedNode[] = [];
    for (const { index, to, opened, fewerFailed, job } of reopening.nodes) {
      const node = nodeAt(index);
      if (!node) continue;
      const next = { open: node.open + opened, failed: node.failed - fewerFailed, job: job ?? node.job };
      Object.assign(node, { ...next, state: to, closedAt: null, result: null, error: null, changed: true });
      nodes.push(node);
    }
    forgetEnds(this.#tx, flow, nodes);
    this.#tx.counts.addWorkflow(flow.state, -1);
    this.#tx.counts.addWorkflow('running', 1);
    flow.completed -= counts.completed;
    flow.failed -= counts.failed;
    flow.cancelled -= counts.cancelled;
    Object.assign(flow, { state: 'running', end: null, finishedAt: null, changed: true });
    return true;
  }

  /** Writes all changes and forgets what was read. The locks stay. */
  flush(): void {
    const nodes = [...this.#nodes.values()].flatMap((nodes) => [...nodes.values()].filter(({ changed }) => changed));
    const flows = [...this.#flows.values()].filter(({ changed }) => changed);
    const ended = [...this.#ended];
    this.#flows.clear();
    this.#nodes.clear();
    this.#ended.clear();
    writeGraph(this.#tx, flows, nodes);
    for (const number of ended) this.#tx.write(noneReady, [number * nodesPerWorkflow, (number + 1) * nodesPerWorkflow]);
  }
}
