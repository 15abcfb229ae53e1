import {
  type Clock,
  cancelled,
  decideNode,
  type JobId,
  type JobRecord,
  type Json,
  maxResults,
  type NodeRef,
  OjsFault,
  type ReadWorkflow,
  readWorkflow,
  refuseNode,
  startNode,
  Waiting,
  workflowCancelled,
} from '@ojs-ts/core';
import type { Advanced, NewNode, NodeRecord, Storage, WorkflowRecord, WorkflowStep } from '../storage/storage.ts';

/** Nodes dealt with in one call to the store: about 10 ms of work on SQLite, so other calls come in between. */
const page = 500;
/** Nodes read at once with their results, which may have a megabyte each. */
const readPage = 50;
/** Characters of results that a view of a workflow shows; what no longer fits is left out, and the job itself has it. */
const maxShown = 4_194_304;
/** How long a call waits for what it has set off; the rest goes on behind it. */
const patienceMs = 250;
/** What a pass of the upkeep takes up of what a crash left. */
const leftovers = 2_000;

/** A workflow with everything that its rendering shows. */
export interface WorkflowView {
  readonly workflow: WorkflowRecord;
  readonly nodes: readonly NodeRecord[];
  readonly jobs: ReadonlyMap<JobId, JobRecord>;
}

/**
 * Workflows (ojs-workflows): core decides what becomes of a node, the store applies it under the node's state, so any step may be tried again by any
 * node of the cluster and takes effect once (design §2). What a crash leaves between two steps the upkeep finishes.
 */
export class Workflows {
  readonly #storage: Storage;
  readonly #clock: Clock;
  /** Nodes that this process is dealing with: the upkeep leaves them to whoever began. */
  readonly #underWay = new Set<string>();
  #behind: Promise<unknown> = Promise.resolve();

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Reads and checks a request; the ids of workflow and jobs come from `newId`. */
  read(text: Json, newId: () => JobId): ReadWorkflow {
    return readWorkflow(text, this.#clock.now(), newId);
  }

  /**
   * Creates a workflow and starts what can start. The same workflow again is answered as it is now.
   * @throws OjsFault `duplicate` where another workflow has the id.
   */
  async create({ workflow, nodes, events, steps }: ReadWorkflow): Promise<WorkflowRecord> {
    const created = await this.#storage.workflows.create(workflow, nodes, events, this.#clock.now());
    if (created.kind === 'duplicate')
      throw new OjsFault('duplicate', `Another workflow has the id ${workflow.id}.`, { existing_workflow_id: workflow.id });
    await this.advance(created.ready, created.kind === 'created' ? startsOf(workflow.id, nodes, steps) : noStarts);
    return (await this.#storage.workflows.get(workflow.id)) ?? created.workflow;
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<WorkflowView> {
    const workflow = await this.#storage.workflows.get(id);
    if (workflow === null) throw new OjsFault('not_found', 'There is no workflow with this id.', { workflow_id: id });
    const nodes: NodeRecord[] = [];
    const jobs = new Map<JobId, JobRecord>();
    const shown = new Room(maxShown);
    for await (const part of this.#pages(id, readPage)) {
      nodes.push(...part.map((node) => shown.take(node)));
      const ids = part.flatMap(({ job, state }) => (job === null || state === 'waiting' ? [] : [job]));
      for (const job of await this.#storage.jobs.get(ids)) if (job !== null) jobs.set(job.id, { ...job, result: null });
    }
    return { workflow, nodes, jobs };
  }

  /**
   * Ends a running workflow: what waits is cancelled, what is active may finish and changes nothing any more (digest §7).
   * @throws OjsFault `not_found`; `conflict` where it has ended already.
   */
  async cancel(id: string): Promise<WorkflowView> {
    const { workflow } = await this.get(id);
    const now = this.#clock.now();
    if (!(await this.#storage.workflows.cancel(id, [workflowCancelled(workflow, now)], now))) {
      const { state } = (await this.#storage.workflows.get(id)) ?? workflow;
      const details = { workflow_id: id, current_state: state, expected_state: 'running' };
      throw new OjsFault('conflict', `The workflow is ${state}; expected running.`, details);
    }
    await this.#sweep(id);
    return this.get(id);
  }

  /** Goes on with nodes that have become ready, and with those that become ready by it: for a while, then behind the caller's back. */
  async advance(ready: readonly NodeRef[], starts: Starts = noStarts): Promise<void> {
    const rest = await this.#advanceUntil(ready, starts, performance.now() + patienceMs);
    // They are ready in the store as well: what goes wrong now the upkeep will do.
    if (rest.length > 0) this.#behind = this.#advanceUntil(rest, starts, Number.POSITIVE_INFINITY).catch(() => {});
  }

  /** Resolves when nothing goes on behind a caller's back. */
  async settled(): Promise<void> {
    await this.#behind;
  }

  /** Answers what it did not come to. */
  async #advanceUntil(ready: readonly NodeRef[], starts: Starts, until: number): Promise<readonly NodeRef[]> {
    const waves = [...ready];
    let at = 0;
    while (at < waves.length) {
      if (at > 0 && performance.now() > until) return waves.slice(at);
      const refs = waves.slice(at, at + page);
      at += refs.length;
      const keys = refs.map(keyOf);
      for (const key of keys) this.#underWay.add(key);
      try {
        waves.push(...(await this.#advancePage(refs, starts)));
      } finally {
        for (const key of keys) this.#underWay.delete(key);
      }
    }
    return [];
  }

  /** What a crash, a failed call or another node's end left undone. */
  async finish(): Promise<void> {
    const { ready, sweeping } = await this.#storage.workflows.unfinished(leftovers);
    await this.advance(ready.filter((ref) => !this.#underWay.has(keyOf(ref))));
    for (const id of sweeping) await this.#sweep(id);
  }

  async #advancePage(refs: readonly NodeRef[], starts: Starts): Promise<readonly NodeRef[]> {
    const now = this.#clock.now();
    const others = await this.#read(refs.filter((ref) => startOf(ref, starts) === undefined));
    const decided = new Map<string, WorkflowStep>();
    for (const { workflow, node } of others) decided.set(keyOf(node), await this.#decide(workflow, node, now));
    const steps = refs.flatMap((ref) => startOf(ref, starts) ?? decided.get(keyOf(ref)) ?? []);
    if (steps.length === 0) return [];
    const answers = await this.#storage.workflows.advance(steps, now);
    const holders = new Map<string, JobId>();
    steps.forEach(({ node }, index) => {
      const inserted = answers[index]?.inserted;
      if (inserted?.kind === 'duplicate') holders.set(keyOf(node), inserted.existing.id);
    });
    const closed = holders.size === 0 ? [] : await this.#refuse(refs, holders, now);
    return [...answers, ...closed].flatMap(({ ready }) => ready);
  }

  /** Nodes whose jobs were refused by their unique policies. */
  async #refuse(refs: readonly NodeRef[], holders: ReadonlyMap<string, JobId>, now: number): Promise<readonly Advanced[]> {
    const refused = await this.#read(refs.filter((ref) => holders.has(keyOf(ref))));
    const steps = refused.map(({ workflow, node }) => refuseNode(workflow, node, holders.get(keyOf(node)) ?? '', now));
    return steps.length === 0 ? [] : this.#storage.workflows.advance(steps, now);
  }

  /** Those of the nodes that are ready, with their workflows. */
  async #read(refs: readonly NodeRef[]): Promise<readonly { readonly workflow: WorkflowRecord; readonly node: NodeRecord }[]> {
    if (refs.length === 0) return [];
    const nodes = (await this.#storage.workflows.node(refs)).filter((node) => node !== null);
    const workflows = await this.#workflows(new Set(nodes.map(({ workflow }) => workflow)));
    return nodes.flatMap((node) => {
      const workflow = workflows.get(node.workflow);
      return workflow && node.state === 'waiting' && node.open === 0 ? [{ workflow, node }] : [];
    });
  }

  /** Reads what the decision asks for until it has it all. */
  async #decide(workflow: WorkflowRecord, node: NodeRecord, now: number): Promise<WorkflowStep> {
    const nodes = new Map<number, NodeRecord>();
    const jobs = new Map<JobId, JobRecord | null>();
    // A job is given so much of its parents' results, the last ones first (core's `resultArray`): more is not even kept here.
    const passed = new Room(maxResults);
    for (;;) {
      const decided = decideNode(workflow, node, { nodes, jobs }, now);
      if (decided.kind !== 'needs') return decided;
      for (let end = decided.nodes.length; end > 0; end -= readPage) {
        const refs = decided.nodes.slice(Math.max(0, end - readPage), end).map((index) => ({ workflow: workflow.id, index }));
        const found = (await this.#storage.workflows.node(refs)).filter((one) => one !== null);
        for (const one of found.reverse()) nodes.set(one.index, passed.take(one));
      }
      const found = await this.#storage.jobs.get(decided.jobs);
      decided.jobs.forEach((id, index) => {
        jobs.set(id, found[index] ?? null);
      });
    }
  }

  async #workflows(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, WorkflowRecord>> {
    const found = await Promise.all([...ids].map((id) => this.#storage.workflows.get(id)));
    return new Map(found.flatMap((workflow) => (workflow === null ? [] : [[workflow.id, workflow] as const])));
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

  async *#pages(id: string, size = page): AsyncGenerator<readonly NodeRecord[]> {
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

/** Bounds the results that are held at once. */
class Room {
  #left: number;

  constructor(characters: number) {
    this.#left = characters;
  }

  /** The node, without its result where there is no room left for it. */
  take(node: NodeRecord): NodeRecord {
    this.#left -= node.result?.length ?? 0;
    return this.#left < 0 && node.result !== null ? { ...node, result: null } : node;
  }
}

/** Starts of one workflow that are decided already, by the index of the node. */
interface Starts {
  readonly workflow: string;
  readonly steps: ReadonlyMap<number, WorkflowStep>;
}

const noStarts: Starts = { workflow: '', steps: new Map() };

/**
 * The starts of a workflow that was just made: its jobs are those that the request was read as, so their nodes are neither read back from the store nor
 * read a second time. For a group of 10,000 that is a third of its cost.
 */
function startsOf(workflow: string, nodes: readonly NewNode[], steps: ReadWorkflow['steps']): Starts {
  const jobs = new Map(steps.map(({ read: { job } }) => [job.id, job]));
  const starts = new Map<number, WorkflowStep>();
  for (const node of nodes) {
    const job = node.open === 0 && node.job !== null ? jobs.get(node.job) : undefined;
    if (job) starts.set(node.index, startNode(workflow, node, job));
  }
  return { workflow, steps: starts };
}

function startOf({ workflow, index }: NodeRef, starts: Starts): WorkflowStep | undefined {
  return workflow === starts.workflow ? starts.steps.get(index) : undefined;
}

function keyOf({ workflow, index }: Pick<NodeRef, 'workflow' | 'index'>): string {
  return `${workflow}:${index}`;
}
