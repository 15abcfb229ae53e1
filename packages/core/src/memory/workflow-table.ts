import type { Millis } from '@ojs-ts/core';
import type { NodeRef, Reopening } from '@ojs-ts/core/job';
import {
  fitsReopening,
  isReady,
  lowered,
  type NewNode,
  type NewWorkflow,
  type NodeRecord,
  newWorkflow,
  nodeRecordOf,
  reopenedNode,
  reopenedWorkflow,
  type WorkflowRecord,
} from '@ojs-ts/core/workflow';

const none: readonly NodeRef[] = [];

export interface WorkflowRow {
  /** Order of creation. */
  readonly number: number;
  record: WorkflowRecord;
  /** In order of their index. */
  readonly nodes: Map<number, NodeRecord>;
  readonly ready: Set<number>;
}

/** Workflows with their nodes, with an index of those that have ready nodes or are sweeping. */
export class WorkflowTable {
  readonly rows = new Map<string, WorkflowRow>();
  readonly #advancing = new Set<WorkflowRow>();
  readonly #sweeping = new Set<WorkflowRow>();
  #created = 0;

  add(workflow: NewWorkflow, nodes: readonly NewNode[], now: Millis): WorkflowRow {
    const records = nodes.map((node) => nodeRecordOf(workflow.id, node)).sort((a, b) => a.index - b.index);
    const row: WorkflowRow = {
      number: ++this.#created,
      record: newWorkflow(workflow, now),
      nodes: new Map(records.map((node) => [node.index, node])),
      ready: new Set(records.filter(isReady).map(({ index }) => index)),
    };
    this.rows.set(workflow.id, row);
    this.#index(row);
    return row;
  }

  /** Adds a workflow of a dump; {@link setNode} adds its nodes. */
  load(record: WorkflowRecord, number: number): void {
    const row: WorkflowRow = { number, record, nodes: new Map(), ready: new Set() };
    this.rows.set(record.id, row);
    this.#created = Math.max(this.#created, number);
    this.#index(row);
  }

  node({ workflow, index }: NodeRef): NodeRecord | undefined {
    return this.rows.get(workflow)?.nodes.get(index);
  }

  set(row: WorkflowRow, record: WorkflowRecord): void {
    row.record = record;
    this.#index(row);
  }

  setNode(row: WorkflowRow, node: NodeRecord): void {
    row.nodes.set(node.index, node);
    if (isReady(node)) row.ready.add(node.index);
    else row.ready.delete(node.index);
    this.#index(row);
  }

  /** Counts a closed node off its dependents; answers the nodes that become ready. */
  lower(row: WorkflowRow, { next }: NodeRecord, passes: boolean): readonly NodeRef[] {
    const ready: NodeRef[] = [];
    for (const index of next) {
      const dependent = row.nodes.get(index);
      if (!dependent) continue;
      const after = lowered(dependent, passes);
      this.setNode(row, after);
      if (isReady(after)) ready.push({ workflow: row.record.id, index });
    }
    return ready.length === 0 ? none : ready;
  }

  /** Carries out what a retry does to a workflow; false where the workflow or a node has changed since. */
  reopen(reopening: Reopening): boolean {
    const row = this.rows.get(reopening.workflow);
    if (!row || !fitsReopening(reopening, row.record, (index) => row.nodes.get(index) ?? null)) return false;
    const record = reopenedWorkflow(row.record, reopening, (index) => row.nodes.get(index)?.member === true);
    for (const change of reopening.nodes) {
      const node = row.nodes.get(change.index);
      if (node) this.setNode(row, reopenedNode(node, change));
    }
    this.set(row, record);
    return true;
  }

  drop(row: WorkflowRow): void {
    this.rows.delete(row.record.id);
    this.#advancing.delete(row);
    this.#sweeping.delete(row);
  }

  ready(row: WorkflowRow): NodeRef[] {
    if (row.record.state !== 'running') return [];
    return [...row.ready].sort((a, b) => a - b).map((index) => ({ workflow: row.record.id, index }));
  }

  unfinished(limit: number): { readonly ready: readonly NodeRef[]; readonly sweeping: readonly string[] } {
    const ready = [...this.#advancing].sort(byCreation).flatMap((row) => this.ready(row));
    const sweeping = [...this.#sweeping].sort(byCreation).map(({ record }) => record.id);
    return { ready: ready.slice(0, limit), sweeping: sweeping.slice(0, limit) };
  }

  #index(row: WorkflowRow): void {
    const { state, sweeping } = row.record;
    if (state === 'running' && row.ready.size > 0) this.#advancing.add(row);
    else this.#advancing.delete(row);
    if (sweeping) this.#sweeping.add(row);
    else this.#sweeping.delete(row);
  }
}

function byCreation(a: WorkflowRow, b: WorkflowRow): number {
  return a.number - b.number;
}
