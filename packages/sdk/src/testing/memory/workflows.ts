import {
  atOnce,
  cancelled,
  closedAs,
  counted,
  decideNode,
  fitsReopening,
  isIn,
  isReady,
  isSameWorkflow,
  type JobId,
  type JobRecord,
  lowered,
  missingWorkflow,
  type NodeRecord,
  newWorkflow,
  nodeEvents,
  nodeRecordOf,
  ok,
  type PlainReply,
  ProtocolError,
  type ReadWorkflow,
  type Reopening,
  Reopenings,
  readWorkflow,
  refuseNode,
  renderWorkflow,
  reopenedNode,
  reopenedWorkflow,
  requireBody,
  rerunWorkflow,
  run,
  uuidv7,
  Waiting,
  type WorkflowRecord,
  type WorkflowStep,
  workflowCancelled,
} from '@ojs-ts/core';
import { type Answers, listed, pageOf, param } from './reply.ts';
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
    table.reopen = (reopening) => this.#reopen(reopening);
    table.workflows = {
      get: (id) => this.#rows.get(id)?.record ?? null,
      nodes: (id, after, limit) => this.#rows.get(id)?.nodes.slice(after + 1, after + 1 + limit) ?? [],
    };
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
        const row = this.#create(
          readWorkflow(requireBody(call.body), this.#table.now, () => uuidv7(this.#table.clock)),
        );
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
      'workflow.retry': (call) => this.#shown(this.#retry(param(call, 'id'))),
      'workflow.rerun': (call) => {
        const { record, nodes } = this.#get(param(call, 'id'));
        const row = this.#create(rerunWorkflow(record, nodes, () => uuidv7(this.#table.clock)));
        return { ...this.#shown(row), status: 201, headers: { location: `/ojs/v1/workflows/${row.record.id}` } };
      },
      'workflow.cancel': (call) => this.#shown(this.#cancel(this.#get(param(call, 'id')))),
    };
  }

  /** Creates it and enqueues the jobs that wait for nothing. The same workflow again is answered as it is now. */
  #create({ workflow, nodes, events }: Pick<ReadWorkflow, 'workflow' | 'nodes' | 'events'>): WorkflowRow {
    const known = this.#rows.get(workflow.id);
    if (known !== undefined) {
      if (isSameWorkflow(known.record, workflow)) return known;
      throw new ProtocolError('duplicate', `Another workflow has the id ${workflow.id}.`, {
        existing_workflow_id: workflow.id,
      });
    }
    const { now } = this.#table;
    const rows = nodes.map((node) => nodeRecordOf(workflow.id, node)).sort((a, b) => a.index - b.index);
    this.#rows.set(workflow.id, { record: newWorkflow(workflow, now), nodes: rows });
    this.#table.record(events);
    this.#advance(workflow.id, rows.filter(isReady));
    return this.#get(workflow.id);
  }

  #get(id: string): WorkflowRow {
    const row = this.#rows.get(id);
    if (row === undefined) throw missingWorkflow(id);
    return row;
  }

  /** What waits is cancelled; jobs that run may finish and change nothing any more. */
  #cancel({ record, nodes }: WorkflowRow): WorkflowRow {
    const { now, rows: jobs } = this.#table;
    if (record.state !== 'running') {
      const details = { workflow_id: record.id, current_state: record.state, expected_state: 'running' };
      throw new ProtocolError('conflict', `The workflow is ${record.state}; expected running.`, details);
    }
    const isWaiting = ({ state }: NodeRecord) => state === 'waiting';
    const members = nodes.filter((node) => isWaiting(node) && node.member).length;
    this.#rows.set(record.id, {
      record: { ...counted(record, 'cancelled', members), state: 'cancelled', finishedAt: now },
      nodes: nodes.map((node) => (isWaiting(node) ? { ...node, state: 'cancelled', closedAt: now } : node)),
    });
    this.#table.record([workflowCancelled(record, now)]);
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
    const { now } = this.#table;
    const state = closedAs(job.state);
    this.#setNode({ ...node, state, result: job.result, closedAt: now });
    this.#count(node, state);
    const { record } = this.#get(node.workflow);
    if (record.state !== 'running') return;
    if (node.member) this.#table.record(nodeEvents(record, node, job, now));
    this.#advance(record.id, this.#lower(node, state === 'completed'));
  }

  #retry(id: string): WorkflowRow {
    const { workflows, clock, now } = this.#table;
    const jobs = (ids: readonly JobId[]) => ids.map((job) => this.#table.get(job));
    const reopenings = new Reopenings({ workflows, jobs, newId: () => uuidv7(clock) });
    for (const transition of atOnce(run(reopenings.ofWorkflow(id, now, null)))) this.#table.transition(transition);
    return this.#get(id);
  }

  #reopen(reopening: Reopening): boolean {
    const row = this.#rows.get(reopening.workflow);
    if (!row || !fitsReopening(reopening, row.record, (index) => row.nodes[index] ?? null)) return false;
    const changes = new Map(reopening.nodes.map((change) => [change.index, change]));
    this.#rows.set(row.record.id, {
      record: reopenedWorkflow(row.record, reopening, (index) => row.nodes[index]?.member === true),
      nodes: row.nodes.map((node) => {
        const change = changes.get(node.index);
        return change === undefined ? node : reopenedNode(node, change);
      }),
    });
    return true;
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
    const jobs = new Map<JobId, JobRecord | null>(this.#table.rows);
    for (;;) {
      const decided = decideNode(record, node, { nodes: known, jobs }, this.#table.now);
      if (decided.kind !== 'needs') return decided;
      // Only a job that is gone can be missing.
      for (const job of decided.jobs) jobs.set(job, null);
    }
  }

  #apply(node: NodeRecord, step: WorkflowStep): readonly NodeRecord[] {
    const { now } = this.#table;
    if (step.kind === 'start') {
      const inserted = this.#table.insertOne(step.job);
      if (inserted.kind === 'duplicate') {
        return this.#apply(node, refuseNode(this.#get(node.workflow).record, node, inserted.existing.id, now));
      }
      this.#setNode({ ...node, state: 'pending' });
      this.#table.record(step.events);
      return [];
    }
    const { state, result, error, end } = step;
    this.#setNode({ ...node, state, result, error, closedAt: now });
    this.#count(node, state);
    const { record, nodes } = this.#get(node.workflow);
    if (end !== null)
      this.#rows.set(record.id, { record: { ...record, state: end.state, end: end.text, finishedAt: now }, nodes });
    this.#table.record(step.events);
    return end === null ? this.#lower(node, step.passes) : [];
  }

  /** Tells the dependents of a node that it is closed; answers those that are ready by it. */
  #lower({ workflow, next }: NodeRecord, passes: boolean): readonly NodeRecord[] {
    return next.flatMap((index) => {
      const dependent = this.#get(workflow).nodes[index];
      if (dependent === undefined) return [];
      const after = lowered(dependent, passes);
      this.#setNode(after);
      return isReady(after) ? [after] : [];
    });
  }

  #setNode(node: NodeRecord): void {
    const { record, nodes } = this.#get(node.workflow);
    this.#rows.set(record.id, { record, nodes: nodes.with(node.index, node) });
  }

  #count({ workflow, member }: NodeRecord, state: 'completed' | 'failed' | 'cancelled'): void {
    const { record, nodes } = this.#get(workflow);
    this.#rows.set(workflow, { record: counted(record, state, member ? 1 : 0), nodes });
  }

  #shown({ record, nodes }: WorkflowRow): PlainReply {
    const found = nodes.flatMap(({ job: id, state }) =>
      id === null || state === 'waiting' ? [] : (this.#table.rows.get(id) ?? []),
    );
    const jobs = new Map(found.map((job) => [job.id, { ...job, result: null }] as const));
    const text = renderWorkflow(record, nodes, jobs);
    return ok(`{"workflow":${text},${text.slice(1)}`);
  }
}
