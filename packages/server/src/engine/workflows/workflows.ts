import { type Clock, latestOf, ProtocolError, uuidv7 } from '@ojs-ts/core';
import { duplicateWorkflow, endedWorkflow, type WorkflowView } from '@ojs-ts/core/handlers';
import {
  historyOf,
  type JobId,
  type JobRecord,
  type Json,
  type NodeRef,
  nodeDestination,
  Waiting,
} from '@ojs-ts/core/job';
import { cancelled, run } from '@ojs-ts/core/lifecycle';
import { notFound } from '@ojs-ts/core/requests';
import { nodeRecordOf, type ReadWorkflow, Reopenings, readWorkflow, workflowCancelled } from '@ojs-ts/core/workflow';
import type { NodeRecord, Storage } from '../../storage/storage.ts';
import { coalesce } from '../coalesce.ts';
import type { MemoryLimits } from '../memory-limits.ts';
import { PageSize } from '../page-size.ts';
import type { QueueBound } from '../queues/queue-bound.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { Advancer, type EndOfWorkflow, startsOf } from './advance.ts';
import { ResultBudget, sizeOfNode, workflowReader } from './result-budget.ts';

/** Characters of results in a view of a workflow. Further ones are left out; the job itself has them. */
const maxResults = 4_194_304;
/** How much crash recovery one pass of upkeep does. */
const leftovers = 2_000;
/** Reads of the first members of a workflow: the ends of nested ones may come before them. */
const firstRounds = 10;
/** How often a retry is decided again because a step has changed since it was read. */
const rounds = 5;

/**
 * Workflows (ojs-workflows): core decides the next step of a node, the store applies it, guarded by the node's state.
 * So any node of the cluster may repeat any step, and each takes effect once. After a crash, upkeep finishes the steps.
 */
export class Workflows {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #advancer: Advancer;
  readonly #together: (ready: readonly NodeRef[]) => Promise<void>;
  readonly #pageBytes: number;
  readonly #admit: QueueBound['admit'];
  readonly #ended: EndOfWorkflow;

  constructor(
    storage: Storage,
    clock: Clock,
    {
      answer,
      admit,
      ended,
    }: Pick<MemoryLimits, 'answer'> & { readonly admit: QueueBound['admit']; readonly ended: EndOfWorkflow },
    tracing: Tracing,
  ) {
    this.#storage = storage;
    this.#clock = clock;
    this.#advancer = new Advancer(storage, clock, { answerBytes: answer, ended, tracing });
    const { parallel, maxBatch: max } = storage.traits;
    this.#together = coalesce(
      async (lists: readonly (readonly NodeRef[])[]) => {
        await this.#advancer.advance(lists.flat());
        return lists.map(() => undefined);
      },
      { parallel, max, weight: (list) => list.length, split: true, tracing },
    );
    this.#pageBytes = answer;
    this.#admit = admit;
    this.#ended = ended;
  }

  /** Reads and checks a request; `newId` creates the ids of workflow and jobs. */
  read(text: Json, newId: () => JobId): ReadWorkflow {
    return readWorkflow(text, this.#clock.now(), newId, latestOf(this.#clock));
  }

  /**
   * Creates a workflow and starts its first jobs. A repeated creation returns the workflow as it is now.
   * @throws ProtocolError `duplicate` if another workflow has the id; `unsupported` if its steps need too many queues.
   */
  async create({ workflow, nodes, events, steps }: ReadWorkflow): Promise<WorkflowView> {
    const { id } = workflow;
    const now = this.#clock.now();
    const jobs =
      steps.length > 0 ? steps.map(({ read }) => read.job) : nodes.map((node) => nodeDestination(workflow, node, now));
    await this.#admit(jobs.flatMap((job) => job?.queue ?? []));
    const starts = startsOf(id, nodes, steps);
    const created = await this.#storage.workflows.create(workflow, nodes, events, this.#clock.now(), starts.jobs);
    if (created.kind === 'duplicate') throw duplicateWorkflow(id);
    if (created.kind === 'already') {
      await this.#advancer.advance(created.ready);
      return this.get(id);
    }
    await this.#advancer.advance(created.ready, starts);
    const current = (await this.#storage.workflows.get(id)) ?? created.workflow;
    // Reading ten thousand nodes and their jobs back took as long as their creation. They are unchanged unless one of
    // them has ended or was refused.
    const asMade = current.state === 'running' && current.completed + current.failed + current.cancelled === 0;
    return asMade
      ? { workflow: current, nodes: nodes.map((node) => nodeRecordOf(id, node)), jobs: new Map() }
      : this.get(id);
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<WorkflowView> {
    const workflow = await this.#storage.workflows.get(id);
    if (workflow === null) throw notFound('workflow', id);
    const nodes: NodeRecord[] = [];
    const jobs = new Map<JobId, JobRecord>();
    const budget = new ResultBudget(maxResults);
    for await (const part of this.#pages(id)) {
      nodes.push(...part.map((node) => budget.take(node)));
      for (const [job, record] of await this.#jobsOf(part)) jobs.set(job, record);
    }
    return { workflow, nodes, jobs };
  }

  /** The workflow with its first members, at most `most`, and their jobs. Throws `not_found`. */
  async first(id: string, most: number): Promise<WorkflowView> {
    const workflow = await this.#storage.workflows.get(id);
    if (workflow === null) throw notFound('workflow', id);
    const nodes: NodeRecord[] = [];
    for (let after = -1, round = 0; nodes.length < most && round < firstRounds; round++) {
      const part = await this.#storage.workflows.nodes(id, after, most - nodes.length);
      const last = part.at(-1);
      if (last === undefined) break;
      nodes.push(...part.filter(({ member }) => member).map((node) => ({ ...node, result: null })));
      after = last.index;
    }
    return { workflow, nodes, jobs: await this.#jobsOf(nodes) };
  }

  async #jobsOf(nodes: readonly NodeRecord[]): Promise<ReadonlyMap<JobId, JobRecord>> {
    const ids = nodes.flatMap(({ job, state }) => (job === null || state === 'waiting' ? [] : [job]));
    const jobs = await this.#storage.jobs.get(ids);
    return new Map(jobs.flatMap((job) => (job === null ? [] : [[job.id, withoutTexts(job)] as const])));
  }

  /**
   * Ends a running workflow: cancels waiting jobs; active ones may finish and change nothing any more (ojs-workflows
   * §9).
   * @throws ProtocolError `not_found`; `conflict` if it has ended already.
   */
  async cancel(id: string): Promise<WorkflowView> {
    const { workflow } = await this.get(id);
    const now = this.#clock.now();
    if (!(await this.#storage.workflows.cancel(id, [workflowCancelled(workflow, now)], now)))
      throw endedWorkflow((await this.#storage.workflows.get(id)) ?? workflow);
    await this.#sweep(id);
    return this.get(id);
  }

  /**
   * Retries all dead steps of a workflow, which then continues. `key` is the idempotency key of the call.
   * @throws ProtocolError `not_found`; `conflict` where the workflow cannot complete by it: nothing was changed then.
   */
  async retry(id: string, key: string | null = null): Promise<WorkflowView> {
    if (key !== null) {
      const view = await this.get(id);
      if ([...view.jobs.values()].some((job) => wasRetriedBy(job, key))) return view;
    }
    for (let round = 0; round < rounds; round++) {
      const reopenings = new Reopenings({
        workflows: workflowReader(this.#storage, this.#pageBytes),
        jobs: this.#storage.jobs.get,
        newId: () => uuidv7(this.#clock),
      });
      const now = this.#clock.now();
      const transitions = await run(reopenings.ofWorkflow(id, now, key));
      const { maxBatch } = this.#storage.traits;
      let refused = 0;
      for (let at = 0; at < transitions.length; at += maxBatch) {
        const moved = await this.#storage.jobs.transition(transitions.slice(at, at + maxBatch), now);
        refused += moved.filter(({ kind }) => kind !== 'moved').length;
      }
      if (refused === 0) return this.get(id);
    }
    throw new ProtocolError('backend_unavailable', 'Other calls keep changing the workflow. Try again.', {
      workflow_id: id,
    });
  }

  /**
   * Advances nodes that have become ready, and those that become ready by it: for a while, then in the background.
   * Calls at the same time share their reads and their commit: steps of a hundred chains cost about as much as one.
   */
  advance(ready: readonly NodeRef[]): Promise<void> {
    return ready.length === 0 ? Promise.resolve() : this.#together(ready);
  }

  /** Resolves when nothing runs in the background. */
  settled(): Promise<void> {
    return this.#advancer.settled();
  }

  /** Finishes what a crash, a failed call or the end of another node left undone. */
  async finish(): Promise<void> {
    const { ready, sweeping } = await this.#storage.workflows.unfinished(leftovers + this.#advancer.stuck);
    await this.#advancer.takeUp(ready);
    for (const id of sweeping) await this.#sweep(id);
  }

  /** Cancels the jobs of a cancelled workflow that have not started. */
  async #sweep(id: string): Promise<void> {
    const now = this.#clock.now();
    const workflow = await this.#storage.workflows.get(id);
    if (workflow !== null) await this.#ended(workflow, 'cancelled');
    for await (const part of this.#pages(id)) {
      const ids = part.flatMap(({ job, state }) => (job !== null && state === 'pending' ? [job] : []));
      const jobs = await this.#storage.jobs.get(ids);
      const waiting = jobs.flatMap((job) => (job !== null && (job.state & Waiting) !== 0 ? [cancelled(job, now)] : []));
      // A job that has changed since was started, or has ended.
      if (waiting.length > 0) await this.#storage.jobs.transition(waiting, now);
    }
    await this.#storage.workflows.swept(id);
  }

  async *#pages(id: string): AsyncGenerator<readonly NodeRecord[]> {
    const page = new PageSize(this.#pageBytes);
    let after = -1;
    for (;;) {
      const size = page.items;
      const part = await this.#storage.workflows.nodes(id, after, size);
      const last = part.at(-1);
      if (last === undefined) return;
      yield part;
      if (part.length < size) return;
      after = last.index;
      page.had(part.reduce((sum, node) => sum + sizeOfNode(node), 0));
    }
  }
}

function wasRetriedBy(job: JobRecord, key: string): boolean {
  return job.history.includes(key) && historyOf(job).some((entry) => entry.kind === 'retried' && entry.key === key);
}

/** The view of a workflow shows none of a job's large texts. */
function withoutTexts(job: JobRecord): JobRecord {
  return { ...job, envelope: '', result: null, checkpoint: null };
}
