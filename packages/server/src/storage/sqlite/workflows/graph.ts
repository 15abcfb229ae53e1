import type { Millis } from '@ojs-ts/core';
import type { EventSubject } from '@ojs-ts/core/events';
import type { Json, NodeRef, Reopening, WorkflowState } from '@ojs-ts/core/job';
import { closedAs, fitsReopening, isReady, uncounted } from '@ojs-ts/core/workflow';
import { type Cells, flag, integer, integerOrNull, readNumbers, text, textOrNull } from '../../cells.ts';
import { readNodeState } from '../../rows.ts';
import type { NodeState } from '../../storage.ts';
import type { Connection } from '../disk/connection.ts';
import type { EventLog } from '../event-log.ts';
import { readNodeRef } from '../row.ts';
import { at, statements } from '../statements.ts';

type Closed = (typeof closedStates)[number];

/** A workflow as a transaction sees it; `read` says how many of its nodes the transaction has read. */
export type Flow = ReturnType<typeof statements.flow.read> & { changed: boolean; read: number };

export interface Node {
  readonly number: number;
  readonly index: number;
  readonly member: boolean;
  readonly name: string;
  job: string | null;
  /** JSON text of an array of indexes. */
  readonly next: string;
  state: NodeState;
  open: number;
  failed: number;
  closedAt: Millis | null;
  /** Set by the close. */
  result: Json | null;
  error: Json | null;
  changed: boolean;
}

const none: readonly NodeRef[] = [];
const closedStates = ['completed', 'failed', 'cancelled'] as const;
/** If a transaction meets nodes in a row, each read takes at least so many nodes behind the one that it needs. */
const readAhead = 31;

/**
 * Workflows and nodes that a transaction meets. Each is read once and written once, so a fan-in of thousands costs a
 * commit one update of the dependent and one of the workflow.
 */
export class Graph {
  readonly #sql: Connection;
  readonly #log: EventLog;
  readonly #flows = new Map<string, Flow | null>();
  readonly #nodes = new Map<number, Node | null>();
  #next: { readonly text: string; readonly indexes: readonly number[] } = { text: '[]', indexes: [] };
  /** Changes in the number of workflows, by state. */
  readonly #counters = new Map<WorkflowState, number>();

  constructor(sql: Connection, log: EventLog) {
    this.#sql = sql;
    this.#log = log;
  }

  flow(id: string): Flow | null {
    let flow = this.#flows.get(id);
    if (flow === undefined) {
      const row = this.#sql.get(statements.flow, id);
      flow = row ? { ...row, changed: false, read: 0 } : null;
      this.#flows.set(id, flow);
    }
    return flow;
  }

  node(flow: Flow, index: number): Node | null {
    const number = flow.firstNode + index;
    if (index < 0 || number > flow.lastNode) return null;
    if (!this.#nodes.has(number)) this.#read(flow, number);
    return this.#nodes.get(number) ?? null;
  }

  /**
   * The jobs of a group start and end one after the other, so a node behind a known one is read with those that follow
   * it: 0.4 µs a node instead of 1.3. A read also ends a run of jobs that one statement would have written, so the more
   * nodes of the workflow are known, the more are read.
   */
  #read(flow: Flow, number: number): void {
    const ahead = this.#nodes.has(number - 1) ? Math.max(readAhead, 2 * flow.read) : 0;
    const found = this.#sql.allCells(statements.nodeRange, number, Math.min(number + ahead, flow.lastNode));
    flow.read += found.length;
    for (const cells of found) {
      const node = readNode(flow.firstNode, cells);
      if (!this.#nodes.has(node.number)) this.#nodes.set(node.number, node);
    }
    if (!this.#nodes.has(number)) this.#nodes.set(number, null);
  }

  /** Closes the node of a job that has ended or was removed. Answers the nodes that become ready. */
  jobEnded(ref: string, job: EventSubject, result: () => Json | null, now: Millis): readonly NodeRef[] {
    const { workflow, index } = readNodeRef(ref);
    const flow = this.flow(workflow);
    const node = flow && this.node(flow, index);
    if (!flow || node?.state !== 'pending' || node.job !== job.id) return none;
    const state = closedAs(job.state);
    this.close(flow, node, state, { result: result(), error: null }, now);
    if (flow.state !== 'running') return none;
    if (node.member) this.#log.node(flow, node, job, now);
    return this.lower(flow, node, state === 'completed');
  }

  /** The job of a ready node has been inserted. */
  start(flow: Flow, node: Node): void {
    this.#set(flow, node, 'pending', node.open);
  }

  close(flow: Flow, node: Node, state: Closed, { result, error }: Pick<Node, 'result' | 'error'>, now: Millis): void {
    this.#set(flow, node, state, node.open);
    node.closedAt = now;
    node.result = result;
    node.error = error;
    if (!node.member) return;
    flow[state] += 1;
    flow.changed = true;
  }

  /** Counts a closed node off its dependents; answers the nodes that become ready. */
  lower(flow: Flow, { next }: Node, passes: boolean): readonly NodeRef[] {
    if (next === '[]') return none;
    const ready: NodeRef[] = [];
    for (const index of this.#indexes(next)) {
      const node = this.node(flow, index);
      if (!node) continue;
      if (!passes) node.failed += 1;
      this.#set(flow, node, node.state, node.open - 1);
      if (isReady(node)) ready.push({ workflow: flow.id, index });
    }
    return ready;
  }

  end(flow: Flow, state: Exclude<WorkflowState, 'running'>, end: Json | null, now: Millis): void {
    this.count(flow.state, -1);
    this.count(state, 1);
    Object.assign(flow, { state, end, finishedAt: now, changed: true });
  }

  /** Carries out what a retry does to a workflow; false if the workflow or a node has changed since. */
  reopen(reopening: Reopening): boolean {
    const flow = this.flow(reopening.workflow);
    const nodeAt = (index: number) => flow && this.node(flow, index);
    if (!flow || !fitsReopening(reopening, flow, nodeAt)) return false;
    const counts = uncounted(reopening, (index) => nodeAt(index)?.member === true);
    for (const { index, to, opened, fewerFailed, job } of reopening.nodes) {
      const node = this.node(flow, index);
      if (!node) continue;
      node.job = job ?? node.job;
      node.failed -= fewerFailed;
      this.#set(flow, node, to, node.open + opened);
      Object.assign(node, { closedAt: null, result: null, error: null });
      this.#sql.change(statements.reopenNode, node.job, node.number);
    }
    this.count(flow.state, -1);
    this.count('running', 1);
    for (const state of closedStates) flow[state] -= counts[state];
    Object.assign(flow, { state: 'running', end: null, finishedAt: null, changed: true });
    return true;
  }

  /** Cancels the workflow and its waiting nodes. */
  cancel(flow: Flow, now: Millis): void {
    this.flush();
    this.#nodes.clear();
    const range = [flow.firstNode, flow.lastNode];
    const members = integer(this.#sql.value(statements.waitingMembers, ...range));
    this.#sql.change(statements.cancelWaiting, now, ...range);
    this.end(flow, 'cancelled', flow.end, now);
    Object.assign(flow, { cancelled: flow.cancelled + members, ready: 0, sweeping: true });
  }

  swept(flow: Flow): void {
    flow.sweeping = false;
    flow.changed = true;
  }

  /** A new workflow has been written. */
  made(id: string): void {
    this.#flows.delete(id);
    this.count('running', 1);
  }

  count(state: WorkflowState, by: number): void {
    this.#counters.set(state, (this.#counters.get(state) ?? 0) + by);
  }

  forget(): void {
    this.#flows.clear();
    this.#nodes.clear();
    this.#counters.clear();
  }

  flush(): void {
    for (const { first, last } of runs(this.#nodes.values())) {
      const { state, open, failed, closedAt, result, error, number } = first;
      const values = [state, open, failed, closedAt, result, error, number] as const;
      if (number === last) this.#sql.change(statements.writeNode, ...values);
      else this.#sql.change(statements.writeNodes, ...values, last);
    }
    for (const flow of this.#flows.values()) {
      if (!flow?.changed) continue;
      const { state, completed, failed, cancelled, ready, sweeping, finishedAt, end, number } = flow;
      this.#sql.change(
        statements.writeFlow,
        state,
        completed,
        failed,
        cancelled,
        ready,
        sweeping ? 1 : 0,
        finishedAt,
        end,
        number,
      );
      flow.changed = false;
    }
    for (const [state, by] of this.#counters) this.#sql.change(statements.countFlows, state, by);
    this.#counters.clear();
  }

  /** The next member of a group most often has the same text. */
  #indexes(text: string): readonly number[] {
    if (this.#next.text !== text) this.#next = { text, indexes: readNumbers(text) };
    return this.#next.indexes;
  }

  #set(flow: Flow, node: Node, state: NodeState, open: number): void {
    const was = isReady(node);
    node.state = state;
    node.open = open;
    node.changed = true;
    const change = Number(isReady(node)) - Number(was);
    if (change === 0) return;
    flow.ready += change;
    flow.changed = true;
  }
}

/** Neighbours with the same changes, as when the jobs of a group start together: one statement writes them. */
function runs(nodes: Iterable<Node | null>): readonly { readonly first: Node; readonly last: number }[] {
  const found: { first: Node; last: number }[] = [];
  for (const node of nodes) {
    if (!node?.changed) continue;
    node.changed = false;
    const run = found.at(-1);
    if (run && node.number === run.last + 1 && isAlike(node, run.first)) run.last = node.number;
    else found.push({ first: node, last: node.number });
  }
  return found;
}

function isAlike(a: Node, b: Node): boolean {
  return (
    a.state === b.state &&
    a.open === b.open &&
    a.failed === b.failed &&
    a.closedAt === b.closedAt &&
    a.result === b.result &&
    a.error === b.error
  );
}

function readNode(first: number, cells: Cells): Node {
  const number = integer(cells[at.graphNode.number]);
  return {
    number,
    index: number - first,
    state: readNodeState(cells[at.graphNode.state]),
    open: integer(cells[at.graphNode.open]),
    failed: integer(cells[at.graphNode.failed]),
    member: flag(cells[at.graphNode.member]),
    closedAt: integerOrNull(cells[at.graphNode.closed_at]),
    name: text(cells[at.graphNode.name]),
    job: textOrNull(cells[at.graphNode.job]),
    next: text(cells[at.graphNode.next]),
    result: null,
    error: null,
    changed: false,
  };
}
