import { uuidFrom } from '../../src/index.ts';
import { entryText, errorText, type JobRecord, type Json, recordOf, State } from '../../src/job/index.ts';
import { atOnce, run } from '../../src/lifecycle/index.ts';
import {
  decideNode,
  type NewNode,
  type NewWorkflow,
  type NodeRecord,
  nodeEvents,
  readWorkflow,
  refuseNode,
  renderWorkflow,
  type WorkflowRecord,
  type WorkflowStep,
  withParentResults,
} from '../../src/workflow/index.ts';

export const start = Date.UTC(2026, 0, 1);

/** Ids in the order in which they are minted. */
export function minting(): () => string {
  let count = 0;
  return () => uuidFrom(start, ++count, 7);
}

export type Outcome = { readonly ok: Json | null } | 'fail' | 'cancel';

/** The contract of `Workflows` for one workflow, in the plainest words: what a storage does, without a storage. */
export class Toy {
  workflow: WorkflowRecord;
  readonly nodes: NodeRecord[];
  readonly jobs = new Map<string, JobRecord>();
  readonly events: Json[];
  /** Nodes in the order in which they were closed, and those whose job was inserted. */
  readonly closed: number[] = [];
  readonly started: number[] = [];
  /** Rounds of reading that decisions took. */
  rounds = 0;
  now = start;
  #refuses = new Set<string>();

  constructor(workflow: NewWorkflow, nodes: readonly NewNode[], events: readonly Json[]) {
    const blank = {
      state: 'running',
      completed: 0,
      failed: 0,
      cancelled: 0,
      createdAt: start,
      finishedAt: null,
      end: null,
      sweeping: false,
    } as const;
    this.workflow = { ...workflow, ...blank };
    this.nodes = nodes.map((node) => ({
      ...node,
      workflow: workflow.id,
      state: 'waiting',
      failed: 0,
      result: null,
      error: null,
      closedAt: null,
    }));
    this.events = [...events];
  }

  static create(request: object): Toy {
    const { workflow, nodes, events } = readWorkflow(JSON.stringify(request), start, minting());
    return new Toy(workflow, nodes, events);
  }

  /** From now on the job of this type meets another that holds its unique key. */
  refuse(type: string): void {
    this.#refuses.add(type);
  }

  ready(): readonly NodeRecord[] {
    return this.workflow.state === 'running'
      ? this.nodes.filter((node) => node.state === 'waiting' && node.open === 0)
      : [];
  }

  running(): readonly JobRecord[] {
    return [...this.jobs.values()].filter(({ state }) => state === State.available);
  }

  decide(index: number, now = this.now): WorkflowStep {
    const node = this.node(index);
    const nodes = new Map<number, NodeRecord>();
    const jobs = new Map<string, JobRecord | null>();
    for (;;) {
      const decided = decideNode(this.workflow, node, { nodes, jobs }, now);
      if (decided.kind !== 'needs') return decided;
      this.rounds++;
      if (decided.nodes.length + decided.jobs.length === 0) throw new Error('needs nothing');
      for (const other of decided.nodes) {
        if (nodes.has(other) || this.node(other).closedAt === null) throw new Error(`node ${other} is not to be read`);
        nodes.set(other, this.node(other));
      }
      for (const id of decided.jobs) {
        if (jobs.has(id)) throw new Error(`job ${id} was read`);
        jobs.set(id, this.jobs.get(id) ?? null);
      }
    }
  }

  /** Answers whether anything changed. */
  apply(step: WorkflowStep): boolean {
    const node = this.node(step.node.index);
    if (this.workflow.state !== 'running' || node.state !== 'waiting' || node.open > 0) return false;
    if (step.kind === 'start') {
      if (this.#refuses.has(step.job.type))
        return this.apply(refuseNode(this.workflow, node, uuidFrom(start, 1, 9), this.now));
      this.jobs.set(step.job.id, recordOf(step.job));
      this.#set(node.index, { state: 'pending' });
      this.started.push(node.index);
      this.events.push(...step.events);
      return true;
    }
    this.#close(node.index, step.state, step.passes, step.result, step.error);
    this.events.push(...step.events);
    if (step.end) this.workflow = { ...this.workflow, state: step.end.state, end: step.end.text, finishedAt: this.now };
    return true;
  }

  finish(id: string, outcome: Outcome): void {
    const job = this.jobs.get(id);
    if (job?.node == null) throw new Error(`no job ${id}`);
    const state = outcome === 'fail' ? State.discarded : outcome === 'cancel' ? State.cancelled : State.completed;
    const result = typeof outcome === 'object' ? outcome.ok : null;
    const failure = errorText({ code: 'boom', type: 'Boom', message: `${job.type} failed`, names: [] }, 1, this.now);
    const entry = { kind: 'failed', at: this.now, attempt: 1, claim: 1, worker: 'w', startedAt: start };
    const history = outcome === 'fail' ? entryText(entry, failure) : '';
    const after: JobRecord = {
      ...job,
      state,
      result,
      history,
      attempt: 1,
      startedAt: start,
      worker: 'w',
      finishedAt: this.now,
    };
    this.jobs.set(id, after);
    const closed = outcome === 'fail' ? 'failed' : outcome === 'cancel' ? 'cancelled' : 'completed';
    const node = this.node(job.node.index);
    this.#close(node.index, closed, closed === 'completed', result, null);
    if (node.member) this.events.push(...nodeEvents(this.workflow, node, after, this.now));
  }

  /** Decides what is ready until jobs have to be waited for. */
  settle(): this {
    for (let ready = this.ready(); ready.length > 0; ready = this.ready())
      for (const { index } of ready) this.apply(this.decide(index));
    return this;
  }

  /** Ends the job of the node with this name, then settles. */
  end(name: string, outcome: Outcome): this {
    this.settle();
    const node = this.nodes.find((one) => one.name === name && one.job !== null);
    if (node?.job == null || node.state !== 'pending') throw new Error(`${name} is ${node?.state}`);
    this.finish(node.job, outcome);
    return this.settle();
  }

  node(index: number): NodeRecord {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`no node ${index}`);
    return node;
  }

  /** The job's envelope as its worker sees it. */
  envelope(name: string): { readonly [field: string]: unknown } {
    const node = this.nodes.find((one) => one.name === name && one.job !== null);
    return JSON.parse(this.textOf(this.jobs.get(node?.job ?? '')));
  }

  /** The same as text; what is stored has the results of no other job. */
  textOf(job: JobRecord | undefined): Json {
    if (job === undefined) return 'null';
    const nodes = (_: string, indexes: readonly number[]) => indexes.map((index) => this.node(index));
    return atOnce(run(withParentResults(job, nodes))).envelope;
  }

  rendered(): ReturnType<typeof JSON.parse> {
    return JSON.parse(renderWorkflow(this.workflow, this.nodes, this.jobs));
  }

  eventKinds(): readonly string[] {
    return this.events.map((event) => JSON.parse(event)[0]);
  }

  #set(index: number, change: Partial<NodeRecord>): void {
    this.nodes[index] = { ...this.node(index), ...change };
  }

  #close(
    index: number,
    state: 'completed' | 'failed' | 'cancelled',
    passes: boolean,
    result: Json | null,
    error: Json | null,
  ): void {
    const node = this.node(index);
    if (node.closedAt !== null) throw new Error(`node ${index} was closed before`);
    this.#set(index, { state, result, error, closedAt: this.now });
    this.closed.push(index);
    if (node.member) this.workflow = { ...this.workflow, [state]: this.workflow[state] + 1 };
    for (const next of node.next) {
      const { open, failed } = this.node(next);
      this.#set(next, { open: open - 1, failed: failed + (passes ? 0 : 1) });
    }
  }
}
