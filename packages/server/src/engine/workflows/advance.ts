import {
  type Clock,
  decideNode,
  isReady,
  type JobId,
  type JobRecord,
  maxResults,
  type NewJob,
  type NodeRef,
  type ReadWorkflow,
  refuseNode,
  startNode,
} from '@ojs-ts/core';
import type { Advanced, NewNode, NodeRecord, Storage, WorkflowRecord, WorkflowStep } from '../../storage/storage.ts';
import { cascade } from './cascade.ts';
import { ResultBudget } from './result-budget.ts';

/** Nodes dealt with in one call to the store: about 10 ms of work on SQLite, so other calls come in between. */
const page = 500;
/** Nodes read at once with their results, which may have a megabyte each. */
const readPage = 16;
/** How long a call waits for what it has set off; the rest goes on behind it. */
const patienceMs = 250;
/**
 * A node that stays ready is taken up by the next pass of the upkeep, the second, the fourth and so on, at last by
 * every 60th: once a minute.
 */
const maxRest = 60;

/** Deals with nodes that are ready: core decides what becomes of each, the store applies it under the node's state. */
export class Advancer {
  readonly #storage: Storage;
  readonly #clock: Clock;
  /** Nodes that this process is dealing with: the upkeep leaves them to whoever began. */
  readonly #underWay = new NodeSet();
  /** Nodes that the upkeep has taken up, the pass that may do it again, and how many passes that was later. */
  readonly #resting = new Map<string, { readonly until: number; readonly passes: number }>();
  #pass = 0;
  #behind: Promise<unknown> = Promise.resolve();
  /** Resolves when the upkeep has dealt with what it took up last. */
  #takenUp: Promise<unknown> = Promise.resolve();

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /**
   * Goes on with nodes that have become ready, and with those that become ready by it: for a while, then behind the
   * caller's back.
   */
  async advance(ready: readonly NodeRef[], starts: Starts = noStarts): Promise<void> {
    if (ready.length === 0) return;
    // The upkeep may have found them in the store before this call came: its caller, too, is answered when they have
    // been dealt with.
    if (ready.some((ref) => this.#underWay.has(ref))) await Promise.race([this.#takenUp, after(patienceMs)]);
    await this.#goOn(ready, starts);
  }

  async #goOn(ready: readonly NodeRef[], starts: Starts): Promise<void> {
    const rest = await this.#advanceUntil(ready, starts, performance.now() + patienceMs);
    // They are ready in the store as well: what goes wrong now the upkeep will do.
    if (rest.length > 0) this.#behind = this.#advanceUntil(rest, starts, Number.POSITIVE_INFINITY).catch(() => {});
  }

  /** Resolves when nothing goes on behind a caller's back. */
  async settled(): Promise<void> {
    await this.#behind;
  }

  /** How many nodes stayed ready although they were taken up. */
  get stuck(): number {
    return this.#resting.size;
  }

  /**
   * Advances nodes that the store lists as ready, except what this process is dealing with. One that fails takes no
   * neighbour with it, and one that stays ready whatever is done is left alone for more and more passes, so that it
   * costs next to nothing.
   * @throws whatever the first of those threw that failed, when all others have been dealt with.
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
      (ref) => !this.#underWay.has(ref) && (this.#resting.get(keyOf(ref))?.until ?? pass) <= pass,
    );
    for (const key of due.map(keyOf)) {
      const passes = Math.min(maxRest, 2 * (this.#resting.get(key)?.passes ?? 0.5));
      this.#resting.set(key, { until: pass + passes, passes });
    }
    const errors: unknown[] = [];
    for (let at = 0; at < due.length; at += page) errors.push(...(await this.#takeUpPage(due.slice(at, at + page))));
    if (errors.length > 0) throw errors[0];
  }

  /** Answers the errors of single nodes; throws where the store is away. */
  async #takeUpPage(refs: readonly NodeRef[]): Promise<readonly unknown[]> {
    try {
      await this.#goOn(refs, noStarts);
      return [];
    } catch (error) {
      // The store is at fault, not the nodes: the next pass takes them up again.
      if (isPassing(error)) for (const ref of refs) this.#resting.delete(keyOf(ref));
      if (refs.length === 1) return [error];
      await this.#storage.ping();
      const half = refs.length >> 1;
      return [...(await this.#takeUpPage(refs.slice(0, half))), ...(await this.#takeUpPage(refs.slice(half)))];
    }
  }

  /** Answers what it did not come to. */
  async #advanceUntil(ready: readonly NodeRef[], starts: Starts, until: number): Promise<readonly NodeRef[]> {
    const waves = [...ready];
    this.#underWay.add(waves);
    let at = 0;
    try {
      while (at < waves.length) {
        if (at > 0 && performance.now() > until) return waves.slice(at);
        const refs = waves.slice(at, at + page);
        const more = await this.#advancePage(refs, starts);
        this.#underWay.delete(refs);
        this.#underWay.add(more);
        at += refs.length;
        waves.push(...more);
      }
      return [];
    } finally {
      this.#underWay.delete(waves.slice(at));
    }
  }

  async #advancePage(refs: readonly NodeRef[], starts: Starts): Promise<readonly NodeRef[]> {
    const now = this.#clock.now();
    const started = refs.map((ref) => startOf(ref, starts));
    const others = await this.#read(refs.filter((_, index) => started[index] === undefined));
    const decided = new Map<string, WorkflowStep>();
    for (const { workflow, node } of others) decided.set(keyOf(node), await this.#decide(workflow, node, now));
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

  /** Those of the nodes that are ready, with their workflows. */
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

  /** Reads what the decision asks for until it has it all. */
  async #decide(workflow: WorkflowRecord, node: NodeRecord, now: number): Promise<WorkflowStep> {
    const nodes = new Map<number, NodeRecord>();
    const jobs = new Map<JobId, JobRecord | null>();
    // A job is given so much of its parents' results, the last ones first (core's `resultsOf`): more is not even kept
    // here.
    const passed = new ResultBudget(maxResults);
    for (;;) {
      const decided = decideNode(workflow, node, { nodes, jobs }, now);
      if (decided.kind !== 'needs') return decided;
      for (let end = decided.nodes.length; end > 0; end -= readPage) {
        const refs = decided.nodes
          .slice(Math.max(0, end - readPage), end)
          .map((index) => ({ workflow: workflow.id, index }));
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
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** What says of itself that the same call may succeed later. */
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
 * The starts of a workflow that was just made: its jobs are those that the request was read as, so their nodes are
 * neither read back from the store nor read a second time. For a group of 10,000 that is a third of its cost.
 */
export function startsOf(workflow: string, nodes: readonly NewNode[], steps: ReadWorkflow['steps']): Starts {
  const byId = new Map(steps.map(({ read: { job } }) => [job.id, job]));
  const jobs = new Map<number, NewJob>();
  for (const node of nodes) {
    const job = node.open === 0 && node.job !== null ? byId.get(node.job) : undefined;
    if (job) jobs.set(node.index, job);
  }
  return { workflow, jobs };
}

/** Made when its turn comes: ten thousand at once would all outlive the collections of garbage in between. */
function startOf({ workflow, index }: NodeRef, starts: Starts): WorkflowStep | undefined {
  const job = workflow === starts.workflow ? starts.jobs.get(index) : undefined;
  return job && startNode(workflow, index, job);
}

function keyOf({ workflow, index }: Pick<NodeRef, 'workflow' | 'index'>): string {
  return `${workflow}:${index}`;
}

/** Nodes of workflows: most of many are of one workflow, so no key is made of each. */
export class NodeSet {
  readonly #indexes = new Map<string, Set<number>>();

  has({ workflow, index }: NodeRef): boolean {
    return this.#indexes.get(workflow)?.has(index) ?? false;
  }

  add(refs: readonly NodeRef[]): void {
    for (const { workflow, index } of refs) {
      const known = this.#indexes.get(workflow);
      if (known) known.add(index);
      else this.#indexes.set(workflow, new Set([index]));
    }
  }

  delete(refs: readonly NodeRef[]): void {
    for (const { workflow, index } of refs) {
      const known = this.#indexes.get(workflow);
      known?.delete(index);
      if (known?.size === 0) this.#indexes.delete(workflow);
    }
  }
}
