import {
  type Clock,
  cancelled,
  type JobId,
  type JobRecord,
  type Json,
  type NodeRef,
  nodeRecordOf,
  ProtocolError,
  type ReadWorkflow,
  readWorkflow,
  Waiting,
  workflowCancelled,
} from '@ojs-ts/core';
import type { NodeRecord, Storage, WorkflowRecord } from '../../storage/storage.ts';
import { Advancer, startsOf } from './advance.ts';
import { ResultBudget } from './result-budget.ts';

/** Nodes read at once with their results, which may have a megabyte each. */
const readPage = 50;
/**
 * Characters of results that a view of a workflow shows; what no longer fits is left out, and the job itself has it.
 */
const maxShown = 4_194_304;
/** What a pass of the upkeep takes up of what a crash left. */
const leftovers = 2_000;

/** A workflow with everything that its rendering shows. */
export interface WorkflowView {
  readonly workflow: WorkflowRecord;
  readonly nodes: readonly NodeRecord[];
  readonly jobs: ReadonlyMap<JobId, JobRecord>;
}

/**
 * Workflows (ojs-workflows): core decides what becomes of a node, the store applies it under the node's state, so any
 * step may be tried again by any node of the cluster and takes effect once. What a crash leaves between two steps the
 * upkeep finishes.
 */
export class Workflows {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #advancer: Advancer;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
    this.#advancer = new Advancer(storage, clock);
  }

  /** Reads and checks a request; the ids of workflow and jobs come from `newId`. */
  read(text: Json, newId: () => JobId): ReadWorkflow {
    return readWorkflow(text, this.#clock.now(), newId);
  }

  /**
   * Creates a workflow and starts what can start. The same workflow again is answered as it is now.
   * @throws ProtocolError `duplicate` where another workflow has the id.
   */
  async create({ workflow, nodes, events, steps }: ReadWorkflow): Promise<WorkflowView> {
    const { id } = workflow;
    const starts = startsOf(id, nodes, steps);
    const created = await this.#storage.workflows.create(workflow, nodes, events, this.#clock.now(), starts.jobs);
    if (created.kind === 'duplicate')
      throw new ProtocolError('duplicate', `Another workflow has the id ${id}.`, { existing_workflow_id: id });
    if (created.kind === 'already') {
      await this.#advancer.advance(created.ready);
      return this.get(id);
    }
    await this.#advancer.advance(created.ready, starts);
    const now = (await this.#storage.workflows.get(id)) ?? created.workflow;
    // Read back, ten thousand nodes and their jobs took as long as their creation. They are as they were made unless
    // one of them has ended or was refused.
    const asMade = now.state === 'running' && now.completed + now.failed + now.cancelled === 0;
    return asMade
      ? { workflow: now, nodes: nodes.map((node) => nodeRecordOf(id, node)), jobs: new Map() }
      : this.get(id);
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<WorkflowView> {
    const workflow = await this.#storage.workflows.get(id);
    if (workflow === null)
      throw new ProtocolError('not_found', 'There is no workflow with this id.', { workflow_id: id });
    const nodes: NodeRecord[] = [];
    const jobs = new Map<JobId, JobRecord>();
    const shown = new ResultBudget(maxShown);
    for await (const part of this.#pages(id, readPage)) {
      nodes.push(...part.map((node) => shown.take(node)));
      const ids = part.flatMap(({ job, state }) => (job === null || state === 'waiting' ? [] : [job]));
      for (const job of await this.#storage.jobs.get(ids)) if (job !== null) jobs.set(job.id, { ...job, result: null });
    }
    return { workflow, nodes, jobs };
  }

  /**
   * Ends a running workflow: what waits is cancelled, what is active may finish and changes nothing any more
   * (ojs-workflows §9).
   * @throws ProtocolError `not_found`; `conflict` where it has ended already.
   */
  async cancel(id: string): Promise<WorkflowView> {
    const { workflow } = await this.get(id);
    const now = this.#clock.now();
    if (!(await this.#storage.workflows.cancel(id, [workflowCancelled(workflow, now)], now))) {
      const { state } = (await this.#storage.workflows.get(id)) ?? workflow;
      const details = { workflow_id: id, current_state: state, expected_state: 'running' };
      throw new ProtocolError('conflict', `The workflow is ${state}; expected running.`, details);
    }
    await this.#sweep(id);
    return this.get(id);
  }

  /**
   * Goes on with nodes that have become ready, and with those that become ready by it: for a while, then behind the
   * caller's back.
   */
  advance(ready: readonly NodeRef[]): Promise<void> {
    return this.#advancer.advance(ready);
  }

  /** Resolves when nothing goes on behind a caller's back. */
  settled(): Promise<void> {
    return this.#advancer.settled();
  }

  /** What a crash, a failed call or another node's end left undone. */
  async finish(): Promise<void> {
    const { ready, sweeping } = await this.#storage.workflows.unfinished(leftovers + this.#advancer.stuck);
    await this.#advancer.takeUp(ready);
    for (const id of sweeping) await this.#sweep(id);
  }

  /** Cancels the jobs of a cancelled workflow that have not begun. */
  async #sweep(id: string): Promise<void> {
    const now = this.#clock.now();
    for await (const part of this.#pages(id, readPage)) {
      const ids = part.flatMap(({ job, state }) => (job !== null && state === 'pending' ? [job] : []));
      const jobs = await this.#storage.jobs.get(ids);
      const waiting = jobs.flatMap((job) => (job !== null && (job.state & Waiting) !== 0 ? [cancelled(job, now)] : []));
      // One that has moved meanwhile was started, or has ended.
      if (waiting.length > 0) await this.#storage.jobs.transition(waiting, now);
    }
    await this.#storage.workflows.swept(id);
  }

  async *#pages(id: string, size: number): AsyncGenerator<readonly NodeRecord[]> {
    let after = -1;
    for (;;) {
      const part = await this.#storage.workflows.nodes(id, after, size);
      const last = part.at(-1);
      if (last === undefined) return;
      yield part;
      if (part.length < size) return;
      after = last.index;
    }
  }
}
