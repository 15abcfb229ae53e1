import {
  cancelled,
  decideNode,
  isIn,
  type JobId,
  type JobRecord,
  type NodeRecord,
  nodeEvents,
  ProtocolError,
  type ReadWorkflow,
  readWorkflow,
  refuseNode,
  renderWorkflow,
  State,
  uuidv7,
  Waiting,
  type WorkflowRecord,
  type WorkflowStep,
  workflowCancelled,
} from '@ojs-ts/core';
import type { Answers } from './jobs.ts';
import { bodyOf, listed, ok, pageOf, param, type Reply } from './reply.ts';
import type { Table } from './table.ts';

export interface WorkflowRow {
  readonly record: WorkflowRecord;
  /** By index. */
  readonly nodes: readonly NodeRecord[];
}

/** Workflows of a store: core decides what becomes of a node, here it is done. */
export class Workflows {
  readonly #table: Table;
  #rows = new Map<string, WorkflowRow>();

  constructor(table: Table) {
    this.#table = table;
    table.ended = (job) => this.#ended(job);
  }

  get all(): readonly WorkflowRow[] {
    return [...this.#rows.values()];
  }

  clear(): void {
    this.#rows.clear();
  }

  get answers(): Answers {
    return {
      'workflow.create': (call) => {
        const row = this.#create(readWorkflow(bodyOf(call), this.#table.now, () => uuidv7(this.#table.clock)));
        return { ...this.#shown(row), status: 201, headers: { location: `/ojs/v1/workflows/${row.record.id}` } };
      },
      'workflow.list': (call) => {
        const states = listed(call, 'state');
        const found = this.all.filter(({ record }) => states.length === 0 || states.includes(record.state));
        const { items, pagination } = pageOf(call, found.reverse());
        const list = `[${items.map(({ record }) => renderWorkflow(record, [])).join(',')}]`;
        return ok(
          `{"workflows":${list},"items":${list},"total":${found.length},"pagination":${JSON.stringify(pagination)}}`,
        );
      },
      'workflow.get': (call) => this.#shown(this.#get(param(call, 'id'))),
      'workflow.cancel': (call) => this.#shown(this.#cancel(this.#get(param(call, 'id')))),
    };
  }

  /** Creates it and enqueues the jobs that wait for nothing. The same workflow again is answered as it is now. */
  #create({ workflow, nodes, events }: ReadWorkflow): WorkflowRow {
    const known = this.#rows.get(workflow.id);
    if (known !== undefined) {
      if (known.record.spec === workflow.spec && known.record.name === workflow.name) return known;
      throw new ProtocolError('duplicate', `Another workflow has the id ${workflow.id}.`, {
        existing_workflow_id: workflow.id,
      });
    }
    const { now, log } = this.#table;
    const counts = { completed: 0, failed: 0, cancelled: 0 };
    const record: WorkflowRecord = {
      ...workflow,
      ...counts,
      state: 'running',
      createdAt: now,
      finishedAt: null,
      end: null,
      sweeping: false,
    };
    const rows = nodes
      .map(
        (node): NodeRecord => ({
          ...node,
          workflow: workflow.id,
          state: 'waiting',
          failed: 0,
          result: null,
          error: null,
          closedAt: null,
        }),
      )
      .sort((a, b) => a.index - b.index);
    this.#rows.set(workflow.id, { record, nodes: rows });
    for (const event of events) log.add(event, now);
    this.#advance(workflow.id, rows.filter(isReady));
    return this.#get(workflow.id);
  }

  #get(id: string): WorkflowRow {
    const row = this.#rows.get(id);
    if (row === undefined)
      throw new ProtocolError('not_found', 'There is no workflow with this id.', { workflow_id: id });
    return row;
  }

  /** What waits is cancelled; jobs that run may finish and change nothing any more. */
  #cancel({ record, nodes }: WorkflowRow): WorkflowRow {
    const { now, log, jobs } = this.#table;
    if (record.state !== 'running') {
      const details = { workflow_id: record.id, current_state: record.state, expected_state: 'running' };
      throw new ProtocolError('conflict', `The workflow is ${record.state}; expected running.`, details);
    }
    const isWaiting = ({ state }: NodeRecord) => state === 'waiting';
    const members = nodes.filter((node) => isWaiting(node) && node.member).length;
    this.#rows.set(record.id, {
      record: { ...record, state: 'cancelled', cancelled: record.cancelled + members, finishedAt: now },
      nodes: nodes.map((node) => (isWaiting(node) ? { ...node, state: 'cancelled', closedAt: now } : node)),
    });
    log.add(workflowCancelled(record, now), now);
    for (const { job: id, state } of nodes) {
      const job = id === null || state !== 'pending' ? undefined : jobs.get(id);
      if (job !== undefined && isIn(job.state, Waiting)) this.#table.move(cancelled(job, now));
    }
    return this.#get(record.id);
  }

  /** The job of a node has ended: so has the node. */
  #ended(job: JobRecord): void {
    const row = job.node === null ? undefined : this.#rows.get(job.node.workflow);
    const node = row?.nodes[job.node?.index ?? -1];
    if (row === undefined || node?.state !== 'pending' || node.job !== job.id) return;
    const { now, log } = this.#table;
    const state = job.state === State.completed ? 'completed' : job.state === State.cancelled ? 'cancelled' : 'failed';
    this.#setNode({ ...node, state, result: job.result, closedAt: now });
    if (node.member) this.#count(node.workflow, state);
    const { record } = this.#get(node.workflow);
    if (record.state !== 'running') return;
    if (node.member) for (const event of nodeEvents(record, node, job, now)) log.add(event, now);
    this.#advance(record.id, this.#lower(node, state === 'completed'));
  }

  /** Goes on with nodes that are ready, and with those that become ready by it. */
  #advance(id: string, ready: readonly NodeRecord[]): void {
    const waves = ready.map(({ index }) => index);
    for (let index = waves.shift(); index !== undefined; index = waves.shift()) {
      const { record, nodes } = this.#get(id);
      const node = nodes[index];
      if (record.state !== 'running' || node === undefined || !isReady(node)) continue;
      const closed = this.#apply(node, this.#decide(record, node, nodes));
      waves.push(...closed.map((next) => next.index));
    }
  }

  #decide(record: WorkflowRecord, node: NodeRecord, nodes: readonly NodeRecord[]): WorkflowStep {
    const known = new Map(nodes.map((one) => [one.index, one] as const));
    const jobs = new Map<JobId, JobRecord | null>(this.#table.jobs);
    for (;;) {
      const decided = decideNode(record, node, { nodes: known, jobs }, this.#table.now);
      if (decided.kind !== 'needs') return decided;
      // Only a job that is gone can be missing.
      for (const job of decided.jobs) jobs.set(job, null);
    }
  }

  #apply(node: NodeRecord, step: WorkflowStep): readonly NodeRecord[] {
    const { now, log } = this.#table;
    if (step.kind === 'start') {
      const inserted = this.#table.insertOne(step.job);
      if (inserted.kind === 'duplicate') {
        return this.#apply(node, refuseNode(this.#get(node.workflow).record, node, inserted.existing.id, now));
      }
      this.#setNode({ ...node, state: 'pending' });
      for (const event of step.events) log.add(event, now);
      return [];
    }
    const { state, result, error, end } = step;
    this.#setNode({ ...node, state, result, error, closedAt: now });
    if (node.member) this.#count(node.workflow, state);
    const { record, nodes } = this.#get(node.workflow);
    if (end !== null)
      this.#rows.set(record.id, { record: { ...record, state: end.state, end: end.text, finishedAt: now }, nodes });
    for (const event of step.events) log.add(event, now);
    return end === null ? this.#lower(node, step.passes) : [];
  }

  /** Tells the dependents of a node that it is closed; answers those that are ready by it. */
  #lower({ workflow, next }: NodeRecord, passes: boolean): readonly NodeRecord[] {
    return next.flatMap((index) => {
      const dependent = this.#get(workflow).nodes[index];
      if (dependent === undefined) return [];
      const after = { ...dependent, open: dependent.open - 1, failed: dependent.failed + (passes ? 0 : 1) };
      this.#setNode(after);
      return isReady(after) ? [after] : [];
    });
  }

  #setNode(node: NodeRecord): void {
    const { record, nodes } = this.#get(node.workflow);
    this.#rows.set(record.id, { record, nodes: nodes.with(node.index, node) });
  }

  #count(id: string, state: 'completed' | 'failed' | 'cancelled'): void {
    const { record, nodes } = this.#get(id);
    this.#rows.set(id, { record: { ...record, [state]: record[state] + 1 }, nodes });
  }

  #shown({ record, nodes }: WorkflowRow): Reply {
    const found = nodes.flatMap(({ job: id, state }) =>
      id === null || state === 'waiting' ? [] : (this.#table.jobs.get(id) ?? []),
    );
    const jobs = new Map(found.map((job) => [job.id, { ...job, result: null }] as const));
    const text = renderWorkflow(record, nodes, jobs);
    return ok(`{"workflow":${text},${text.slice(1)}`);
  }
}

function isReady({ state, open }: NodeRecord): boolean {
  return state === 'waiting' && open === 0;
}
