import { type Clock, latestOf } from '@ojs-ts/core';
import type { JobId, JobRecord, NewJob, NodeRef } from '@ojs-ts/core/job';
import { decideNode, isReady, maxResults, type ReadWorkflow, refuseNode, startNode } from '@ojs-ts/core/workflow';
import type { Advanced, NewNode, NodeRecord, Storage, WorkflowRecord, WorkflowStep } from '../../storage/storage.ts';
import { PageSize } from '../page-size.ts';
import { noTracing, type Tracing } from '../telemetry/tracing.ts';
import { cascade } from './cascade.ts';
import { ResultBudget, sizeOfNode } from './result-budget.ts';

/** Nodes of one call to the store: about 10 ms of work on SQLite, so other calls run between two of them. */
const page = 500;
/**
 * Pages at once of a new workflow: the next one is prepared while the store works on the one before. Nothing is read
 * for them, so they come to the store in order.
 */
const pagesOfStarts = 2;
/** How long a call waits for the nodes that it made ready, in milliseconds; the rest continues in the background. */
const patienceMs = 250;
/**
 * Upkeep tries a node that stays ready at the next pass, the second, the fourth and so on, in the end at every 60th:
 * once a minute.
 */
const maxRest = 60;

/** Called before a workflow ends; it may be called again. */
export type EndOfWorkflow = (workflow: WorkflowRecord, state: 'completed' | 'failed' | 'cancelled') => Promise<void>;

/** Advances ready nodes: core decides the next step of each, the store applies it, guarded by the node's state. */
export class Advancer {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #maxResults: number;
  readonly #ended: EndOfWorkflow;
  readonly #tracing: Tracing;
  /** Nodes that this process is advancing; upkeep skips them. */
  readonly #inFlight = new NodeSet();
  /** Nodes that upkeep has tried: the pass that may try again, and its distance. */
  readonly #resting = new Map<string, { readonly until: number; readonly passes: number }>();
  #pass = 0;
  #behind: Promise<unknown> = Promise.resolve();
  /** Resolves when upkeep has advanced its last selection. */
  #takenUp: Promise<unknown> = Promise.resolve();

  constructor(
    storage: Storage,
    clock: Clock,
    {
      answerBytes = maxResults,
      ended = async () => {},
      tracing = noTracing,
    }: {
      /** The most bytes of one answer: a job with its parents' results must fit. */
      readonly answerBytes?: number;
      readonly ended?: EndOfWorkflow;
      readonly tracing?: Tracing;
    } = {},
  ) {
    this.#storage = storage;
    this.#clock = clock;
    this.#maxResults = Math.min(maxResults, answerBytes);
    this.#ended = ended;
    this.#tracing = tracing;
  }

  /** Advances nodes that have become ready, and those that become ready by it: for a while, then in the background. */
  async advance(ready: readonly NodeRef[], starts: Starts = noStarts): Promise<void> {
    if (ready.length === 0) return;
    // Upkeep may have found these nodes first: this caller, too, is answered after they were advanced.
    if (ready.some((ref) => this.#inFlight.has(ref))) await Promise.race([this.#takenUp, after(patienceMs)]);
    await this.#goOn(ready, starts);
  }

  #goOn(ready: readonly NodeRef[], starts: Starts): Promise<void> {
    return this.#tracing.span('ojs.workflow advance', () => this.#advanceAWhile(ready, starts));
  }

  async #advanceAWhile(ready: readonly NodeRef[], starts: Starts): Promise<void> {
    const rest = await this.#advanceUntil(ready, starts, performance.now() + patienceMs);
    // The nodes are ready in the store as well, so upkeep tries again after an error.
    if (rest.length > 0) this.#behind = this.#advanceUntil(rest, starts, Number.POSITIVE_INFINITY).catch(() => {});
  }

  /** Resolves when nothing runs in the background. */
  async settled(): Promise<void> {
    await this.#behind;
  }

  /** How many nodes stayed ready after a try. */
  get stuck(): number {
    return this.#resting.size;
  }

  /**
   * Advances nodes that the store lists as ready, except those that this process is advancing. A failing node does not
   * affect its neighbours. A node that stays ready is skipped for more and more passes, so its cost is small.
   * @throws the first error of a node, after all others were advanced.
   */
  async takeUp(ready: readonly NodeRef[]): Promise<void> {
    const taken = this.#takeUp(ready);
    this.#takenUp = taken.catch(() => {});
    await taken;
  }

  async #takeUp(ready: readonly NodeRef[]): Promise<void> {
    const pass = ++this.#pass;
    const listed = new Set(ready.map(keyOf));
    for (const key of this.#resting.keys()) if (!listed.has(key)) this.#resting.delete(key);
    const due = ready.filter(
      (ref) => !this.#inFlight.has(ref) && (this.#resting.get(keyOf(ref))?.until ?? pass) <= pass,
    );
    for (const key of due.map(keyOf)) {
      const passes = Math.min(maxRest, 2 * (this.#resting.get(key)?.passes ?? 0.5));
      this.#resting.set(key, { until: pass + passes, passes });
    }
    const errors: unknown[] = [];
    for (let at = 0; at < due.length; at += page) errors.push(...(await this.#takeUpPage(due.slice(at, at + page))));
    if (errors.length > 0) throw errors[0];
  }

  /** Returns the errors of single nodes; throws if the store is unreachable. */
  async #takeUpPage(refs: readonly NodeRef[]): Promise<readonly unknown[]> {
    try {
      await this.#goOn(refs, noStarts);
      return [];
    } catch (error) {
      // The store failed, not the nodes: the next pass tries again.
      if (isPassing(error)) for (const ref of refs) this.#resting.delete(keyOf(ref));
      if (refs.length === 1) return [error];
      await this.#storage.ping();
      const half = refs.length >> 1;
      return [...(await this.#takeUpPage(refs.slice(0, half))), ...(await this.#takeUpPage(refs.slice(half)))];
    }
  }

  /** Returns the nodes that it did not reach. */
  async #advanceUntil(ready: readonly NodeRef[], starts: Starts, until: number): Promise<readonly NodeRef[]> {
    const waves = [...ready];
    this.#inFlight.add(waves);
    const running: { readonly refs: readonly NodeRef[]; readonly more: Promise<readonly NodeRef[]> }[] = [];
    const atOnce = starts === noStarts ? 1 : pagesOfStarts;
    let at = 0;
    try {
      for (;;) {
        while (running.length < atOnce && at < waves.length && (at === 0 || performance.now() <= until)) {
          const refs = waves.slice(at, at + page);
          const more = this.#advancePage(refs, starts);
          // Awaited below, or left to the first error.
          more.catch(() => {});
          running.push({ refs, more });
          at += refs.length;
        }
        const [first] = running;
        if (first === undefined) return waves.slice(at);
        const more = await first.more;
        running.shift();
        this.#inFlight.delete(first.refs);
        this.#inFlight.add(more);
        waves.push(...more);
      }
    } finally {
      await Promise.allSettled(running.map(({ more }) => more));
      for (const { refs } of running) this.#inFlight.delete(refs);
      this.#inFlight.delete(waves.slice(at));
    }
  }

  async #advancePage(refs: readonly NodeRef[], starts: Starts): Promise<readonly NodeRef[]> {
    const now = this.#clock.now();
    const started = refs.map((ref) => startOf(ref, starts));
    const others = await this.#read(refs.filter((_, index) => started[index] === undefined));
    const decided = new Map<string, WorkflowStep>();
    for (const { workflow, node } of others) {
      const step = await this.#decide(workflow, node, now);
      // A job that waits for the workflow is woken first: if this process stops here, the node is still ready.
      if (step.kind === 'close' && step.end !== null) await this.#ended(workflow, step.end.state);
      decided.set(keyOf(node), step);
    }
    const steps = refs.flatMap((ref, index) => started[index] ?? decided.get(keyOf(ref)) ?? []);
    if (steps.length === 0) return [];
    const ahead = await cascade(this.#storage.workflows, others, decided, page - steps.length, now);
    const all = [...steps, ...ahead];
    const answers = await this.#storage.workflows.advance(all, now);
    const holders = new Map<string, JobId>();
    const done = new NodeSet();
    all.forEach(({ node }, index) => {
      const { inserted = null, done: isDone = false } = answers[index] ?? {};
      if (inserted?.kind === 'duplicate') holders.set(keyOf(node), inserted.existing.id);
      if (isDone) done.add([node]);
    });
    const closed = holders.size === 0 ? [] : await this.#refuse(refs, holders, now);
    return [...answers, ...closed].flatMap(({ ready }) => ready.filter((ref) => !done.has(ref)));
  }

  /** Nodes whose jobs were refused by their unique policies. */
  async #refuse(
    refs: readonly NodeRef[],
    holders: ReadonlyMap<string, JobId>,
    now: number,
  ): Promise<readonly Advanced[]> {
    const refused = await this.#read(refs.filter((ref) => holders.has(keyOf(ref))));
    const steps = refused.map(({ workflow, node }) => refuseNode(workflow, node, holders.get(keyOf(node)) ?? '', now));
    return steps.length === 0 ? [] : this.#storage.workflows.advance(steps, now);
  }

  /** Reads the given nodes that are ready, with their workflows. */
  async #read(
    refs: readonly NodeRef[],
  ): Promise<readonly { readonly workflow: WorkflowRecord; readonly node: NodeRecord }[]> {
    if (refs.length === 0) return [];
    const nodes = (await this.#storage.workflows.node(refs)).filter((node) => node !== null);
    const workflows = await this.#workflows(new Set(nodes.map(({ workflow }) => workflow)));
    return nodes.flatMap((node) => {
      const workflow = workflows.get(node.workflow);
      return workflow && isReady(node) ? [{ workflow, node }] : [];
    });
  }

  /** Reads until the decision has everything that it needs. */
  async #decide(workflow: WorkflowRecord, node: NodeRecord, now: number): Promise<WorkflowStep> {
    const nodes = new Map<number, NodeRecord>();
    const jobs = new Map<JobId, JobRecord | null>();
    // A job gets a bounded part of its parents' results, the last ones first (core's `resultsOf`): more is not kept
    // here either.
    const passed = new ResultBudget(this.#maxResults);
    const reading = new PageSize(this.#maxResults);
    for (;;) {
      const decided = decideNode(workflow, node, { nodes, jobs }, now, latestOf(this.#clock));
      if (decided.kind !== 'needs') return decided;
      for (let end = decided.nodes.length; end > 0; ) {
        const begin = Math.max(0, end - reading.items);
        const refs = decided.nodes.slice(begin, end).map((index) => ({ workflow: workflow.id, index }));
        const found = (await this.#storage.workflows.node(refs)).filter((one) => one !== null);
        reading.had(found.reduce((sum, one) => sum + sizeOfNode(one), 0));
        for (const one of found.reverse()) nodes.set(one.index, passed.take(one));
        end = begin;
      }
      const found = await this.#storage.jobs.get(decided.jobs);
      decided.jobs.forEach((id, index) => {
        jobs.set(id, found[index] ?? null);
      });
    }
  }

  async #workflows(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, WorkflowRecord>> {
    const found = await this.#storage.workflows.getAll([...ids]);
    return new Map(found.flatMap((workflow) => (workflow === null ? [] : [[workflow.id, workflow] as const])));
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** Errors which say that the same call may succeed later. */
function isPassing(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}

/** Jobs of one workflow whose starts are decided already, by the index of the node. */
interface Starts {
  readonly workflow: string;
  readonly jobs: ReadonlyMap<number, NewJob>;
}

const noStarts: Starts = { workflow: '', jobs: new Map() };

/**
 * The starts of a new workflow. Its jobs are those of the request, so their nodes are neither read from the store nor
 * parsed a second time: a third of the cost of a group of 10,000.
 */
export function startsOf(workflow: string, nodes: readonly NewNode[], steps: ReadWorkflow['steps']): Starts {
  const jobs = new Map<number, NewJob>();
  let byId: ReadonlyMap<JobId, NewJob> | null = null;
  let at = 0;
  for (const node of nodes) {
    if (node.job === null) continue;
    // Steps are in the order of nodes, but for those of nested composites: a map of ten thousand ids costs 5 ms.
    let job = steps[at++]?.read.job;
    if (node.open > 0) continue;
    if (job?.id !== node.job) {
      byId ??= new Map(steps.map(({ read: { job } }) => [job.id, job]));
      job = byId.get(node.job);
    }
    if (job) jobs.set(node.index, job);
  }
  return { workflow, jobs };
}

/** Created when it is needed: ten thousand at once would all survive the garbage collections between. */
function startOf({ workflow, index }: NodeRef, starts: Starts): WorkflowStep | undefined {
  const job = workflow === starts.workflow ? starts.jobs.get(index) : undefined;
  return job && startNode(workflow, index, job);
}

function keyOf({ workflow, index }: Pick<NodeRef, 'workflow' | 'index'>): string {
  return `${workflow}:${index}`;
}

/** Nodes of workflows: most of many belong to one workflow, so there is no key for each. */
export class NodeSet {
  readonly #indexes = new Map<string, Set<number>>();

  has({ workflow, index }: NodeRef): boolean {
    return this.#indexes.get(workflow)?.has(index) ?? false;
  }

  add(refs: readonly NodeRef[]): void {
    for (const { workflow, index } of refs) {
      const indexes = this.#indexes.get(workflow);
      if (indexes) indexes.add(index);
      else this.#indexes.set(workflow, new Set([index]));
    }
  }

  delete(refs: readonly NodeRef[]): void {
    for (const { workflow, index } of refs) {
      const indexes = this.#indexes.get(workflow);
      indexes?.delete(index);
      if (indexes?.size === 0) this.#indexes.delete(workflow);
    }
  }
}
