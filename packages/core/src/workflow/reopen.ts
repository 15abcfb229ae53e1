import { ProtocolError } from '../errors.ts';
import type { JobId, JobRecord, NodeRef, Transition } from '../job/job.ts';
import type { NodeChange, Reopening } from '../job/reopening.ts';
import { State } from '../job/states.ts';
import { retried } from '../lifecycle/decide.ts';
import { notFound } from '../not-found.ts';
import { type Answered, ask, type Steps } from '../steps.ts';
import type { Millis } from '../time/clock.ts';
import { workflowReopened } from './events.ts';
import { isRefused } from './failures.ts';
import { reopenedNode } from './reopened.ts';
import { isSkipped, runs } from './rules.ts';
import { type NodeSpec, readNodeSpec } from './spec.ts';
import type { NodeRecord, WorkflowRecord } from './types.ts';

/** The part of the workflows that a retry reads. A page may be shorter than its limit, but is empty only at the end. */
export interface WorkflowReader {
  get(id: string): Answered<WorkflowRecord | null>;
  nodes(workflow: string, after: number, limit: number): Answered<readonly NodeRecord[]>;
}

export interface ReopeningSources {
  readonly workflows: WorkflowReader;
  readonly jobs: (ids: readonly JobId[]) => Answered<readonly (JobRecord | null)[]>;
  readonly newId: () => JobId;
}

/** Nodes that are read at once: the steps of a chain are adjacent. */
const page = 100;
const wholeAgain = 'To run all steps as a new workflow: ojs workflows rerun ID.';
const otherWays = `To run only this job, as a new one outside of the workflow: ojs jobs rerun ID. ${wholeAgain}`;

/**
 * Decides what retries of dead steps do to their workflows: what was closed because of a step waits for it again, and
 * what has run stays as it is. A callback fires once for each end of what it belongs to, so one that has fired gets
 * another job. Decisions of one object see each other, in their order.
 */
export class Reopenings {
  readonly #sources: ReopeningSources;
  readonly #flows = new Map<string, Flow>();

  constructor(sources: ReopeningSources) {
    this.#sources = sources;
  }

  /**
   * The change of a job, with what it does to a workflow: only a retry of a dead step does anything.
   * @throws ProtocolError `conflict` if the workflow cannot continue with the step: nothing is to be changed then.
   */
  *with(transition: Transition, { id, state, node }: Pick<JobRecord, 'id' | 'state' | 'node'>): Steps<Transition> {
    if (state !== State.discarded || transition.to !== State.available || node === null) return transition;
    return { ...transition, reopens: yield* this.#of({ id, node }) };
  }

  /**
   * The retries of all dead steps of a workflow, except of those without which it has gone on.
   * @throws ProtocolError `not_found`; `conflict` where it has none, and where it would fail again whatever they do.
   */
  *ofWorkflow(id: string, now: Millis, key: string | null): Steps<readonly Transition[]> {
    const record = yield* ask(this.#sources.workflows.get(id));
    if (record === null) throw notFound('workflow', id);
    if (record.state === 'cancelled')
      throw notRetried(id, 'workflow_cancelled', `Workflow ${id} was cancelled, so it cannot continue.`);
    const flow = new Flow(record, this.#sources);
    this.#flows.set(id, flow);
    const failed = yield* flow.failed();
    const jobs = yield* ask(this.#sources.jobs(failed.map(({ job }) => job ?? '')));
    const changed = new Set<number>();
    const transitions: Transition[] = [];
    let wentOn: ProtocolError | null = null;
    for (const [at, { index }] of failed.entries()) {
      const job = jobs[at] ?? null;
      // A callback waits again with the steps that it follows.
      if (job?.state !== State.discarded || changed.has(index)) continue;
      try {
        const transition = yield* this.with(retried(job, now, key ?? undefined), job);
        for (const node of transition.reopens?.nodes ?? []) changed.add(node.index);
        transitions.push(transition);
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.details.reason !== 'workflow_went_on') throw error;
        wentOn = error;
      }
    }
    const cause = yield* flow.failsBecauseOf(changed);
    if (cause !== null) {
      const message =
        `Step ${JSON.stringify(cause.name)} of workflow ${id} ${whyNot(cause)}, ` +
        'so a retry cannot complete the workflow.';
      throw notRetried(id, 'workflow_blocked', message);
    }
    if (transitions.length > 0) return transitions;
    if (wentOn !== null) throw wentOn;
    throw notRetried(id, 'nothing_failed', `Workflow ${id} is ${record.state}, and no step of it has failed for good.`);
  }

  *#of(job: { readonly id: JobId; readonly node: NodeRef }): Steps<Reopening> {
    const flow = yield* this.#flow(job.node.workflow, job.id);
    const changes = yield* flow.reopened(job);
    const { record } = flow;
    const events = record.state === 'running' ? [] : [workflowReopened(record, changes.name, job.id)];
    const reopening: Reopening = { workflow: record.id, was: record.state, nodes: changes.nodes, events };
    flow.apply(reopening);
    return reopening;
  }

  *#flow(id: string, job: JobId): Steps<Flow> {
    const known = this.#flows.get(id);
    if (known !== undefined) return known;
    const record = yield* ask(this.#sources.workflows.get(id));
    if (record === null)
      throw refusal(job, id, 'workflow_pruned', `The job is a step of workflow ${id}, which is no longer kept.`);
    if (record.state === 'cancelled')
      throw refusal(job, id, 'workflow_cancelled', `The job is a step of workflow ${id}, which was cancelled.`);
    const flow = new Flow(record, this.#sources);
    this.#flows.set(id, flow);
    return flow;
  }
}

/** A workflow as the changes that were decided leave it. */
class Flow {
  record: WorkflowRecord;
  readonly #sources: ReopeningSources;
  readonly #nodes = new Map<number, NodeRecord>();

  constructor(record: WorkflowRecord, sources: ReopeningSources) {
    this.record = record;
    this.#sources = sources;
  }

  *reopened(job: {
    readonly id: JobId;
    readonly node: NodeRef;
  }): Steps<{ readonly name: string; readonly nodes: readonly NodeChange[] }> {
    const { id } = this.record;
    const step = yield* this.#node(job.node.index);
    if (step === null || step.job !== job.id || step.state !== 'failed')
      throw refusal(
        job.id,
        id,
        'workflow_changed',
        `Workflow ${id} no longer waits for this job: its step has another job or another outcome by now.`,
      );
    const changes = new Map<number, NodeChange>([[step.index, { ...kept(step), own: job.id, to: 'pending' }]]);
    const closed = [step];
    for (const node of closed) {
      const passed = yield* this.#passed(node);
      for (const index of node.next) {
        const next = yield* this.#node(index);
        if (next === null) continue;
        const known = changes.get(index);
        const change = known ?? (yield* this.#reset(next, job.id));
        changes.set(index, {
          ...change,
          opened: change.opened + 1,
          fewerFailed: change.fewerFailed + (passed ? 0 : 1),
        });
        if (known === undefined && isClosed(next)) closed.push(next);
      }
    }
    const nodes = [...changes.values()];
    yield* this.#checkBlocked(nodes, job.id);
    return { name: step.name, nodes };
  }

  apply({ nodes }: Reopening): void {
    for (const change of nodes) {
      const node = this.#nodes.get(change.index);
      if (node !== undefined) this.#nodes.set(change.index, reopenedNode(node, change));
    }
    this.record = { ...this.record, state: 'running' };
  }

  *#node(index: number): Steps<NodeRecord | null> {
    const known = this.#nodes.get(index);
    if (known !== undefined) return known;
    for (const node of yield* ask(this.#sources.workflows.nodes(this.record.id, index - 1, page))) {
      // Results may be long, and nothing here depends on them.
      if (!this.#nodes.has(node.index)) this.#nodes.set(node.index, { ...node, result: null });
    }
    return this.#nodes.get(index) ?? null;
  }

  /** How a node that comes after the step changes. */
  *#reset(node: NodeRecord, retried: JobId): Steps<NodeChange> {
    const change = kept(node);
    if (node.state === 'waiting' || node.job === null) return change;
    const spec = readNodeSpec(node.spec);
    const hasRun = yield* this.#hasRun(node, spec);
    if (!hasRun) return change;
    if (!node.member) return { ...change, job: this.#sources.newId() };
    const { id } = this.record;
    throw refusal(
      retried,
      id,
      'workflow_went_on',
      `Workflow ${id} has continued without this step: step ${JSON.stringify(node.name)} after it has run.`,
    );
  }

  /** Reports whether a node that does not wait has had a job. */
  *#hasRun(node: NodeRecord, spec: NodeSpec): Steps<boolean> {
    if (node.state === 'pending' || node.state === 'completed') return true;
    if (node.state === 'failed') return !isRefused(node);
    return spec.role === 'job' && runs(node, spec, yield* this.#first(spec));
  }

  /** Reports whether a closed node passed, as its dependents saw it. */
  *#passed(node: NodeRecord): Steps<boolean> {
    if (node.state !== 'cancelled') return node.state === 'completed';
    const spec = readNodeSpec(node.spec);
    if (spec.role !== 'job' || spec.callback === null) return false;
    const first = yield* this.#first(spec);
    return !runs(node, spec, first) && !(spec.guard && first !== null && isSkipped(first));
  }

  *#first(spec: Extract<NodeSpec, { readonly role: 'job' }>): Steps<NodeRecord | null> {
    return spec.guard ? yield* this.#node(spec.parents.block?.[0] ?? 0) : null;
  }

  /**
   * A later step must be able to run, or the retried one would run for nothing. It is looked for behind composites that
   * still wait too: another step of them may run yet. The whole workflow is read only where another step has failed or
   * was cancelled.
   */
  *#checkBlocked(changes: readonly NodeChange[], retried: JobId): Steps<void> {
    const changed = new Set(changes.map(({ index }) => index));
    // The later steps that closed because of this one count too, or one that closes after the record was read would
    // hide another failure.
    const own = changes.find(({ own }) => own === retried);
    const retriedStep = own === undefined ? null : yield* this.#node(own.index);
    if (this.record.failed + this.record.cancelled <= Number(retriedStep?.member ?? false)) return;
    const later = new Set(changed);
    for (const index of later) for (const next of (yield* this.#node(index))?.next ?? []) later.add(next);
    const found = yield* this.#blocked(changed, (node) => node.member && needsAll(node) && later.has(node.index));
    if (found === null) return;
    const [step, other] = [found.node, found.cause].map(({ name }) => JSON.stringify(name));
    const message =
      `After a retry step ${step} of workflow ${this.record.id} could still not run, ` +
      `because step ${other} before it ${whyNot(found.cause)}.`;
    throw refusal(retried, this.record.id, 'workflow_blocked', message);
  }

  /** The step because of which the workflow would fail again, whatever becomes of those that are retried. */
  *failsBecauseOf(changed: ReadonlySet<number>): Steps<NodeRecord | null> {
    const found = yield* this.#blocked(changed, ({ job, spec }) => job === null && readNodeSpec(spec).role === 'root');
    return found?.cause ?? null;
  }

  /** The first node of a kind that cannot pass, and the step that it is because of. */
  *#blocked(
    changed: ReadonlySet<number>,
    isSought: (node: NodeRecord) => boolean,
  ): Steps<{ readonly node: NodeRecord; readonly cause: NodeRecord } | null> {
    for (const cause of yield* this.#hopeless(changed)) {
      const seen = new Set<number>([cause.index]);
      for (const index of seen) {
        const node = yield* this.#node(index);
        for (const after of node?.next ?? []) {
          const next = yield* this.#node(after);
          if (next !== null && isSought(next)) return { node: next, cause };
          if (next !== null && needsAll(next)) seen.add(after);
        }
      }
    }
    return null;
  }

  /** Steps and callbacks whose jobs have failed, steps first. */
  *failed(): Steps<readonly NodeRecord[]> {
    const nodes: NodeRecord[] = [];
    for (let index = 0; ; index++) {
      const node = yield* this.#node(index);
      if (node === null) break;
      if (node.job !== null && node.state === 'failed' && !isRefused(node)) nodes.push(node);
    }
    return nodes.sort((a, b) => Number(b.member) - Number(a.member));
  }

  /** Steps that did not complete and that no retry can help. */
  *#hopeless(changed: ReadonlySet<number>): Steps<readonly NodeRecord[]> {
    const failed: NodeRecord[] = [];
    for (let index = 0; ; index++) {
      const node = yield* this.#node(index);
      if (node === null) break;
      if (node.job === null || changed.has(index) || (node.state !== 'failed' && node.state !== 'cancelled')) continue;
      const spec = readNodeSpec(node.spec);
      if (isRefused(node) || (yield* this.#hasRun(node, spec))) failed.push(node);
    }
    const jobs = yield* ask(this.#sources.jobs(failed.map(({ job }) => job ?? '')));
    const hopeless: NodeRecord[] = [];
    for (const [at, node] of failed.entries()) {
      if (node.state === 'failed' && jobs[at]?.state === State.discarded) continue;
      // A step that was retried after its node was read has a job that is not dead.
      const [now] = yield* ask(this.#sources.workflows.nodes(this.record.id, node.index - 1, 1));
      if (now?.state === node.state && now.job === node.job) hopeless.push(node);
    }
    return hopeless;
  }
}

function isClosed({ state }: NodeRecord): boolean {
  return state !== 'waiting' && state !== 'pending';
}

/** Reports whether the node passes only if all its dependencies have passed: a step, or the end of a composite. */
function needsAll({ member, job, spec }: NodeRecord): boolean {
  if (job !== null) return member;
  const { role } = readNodeSpec(spec);
  return role !== 'gate' && role !== 'root';
}

function kept({ index, state }: NodeRecord): NodeChange {
  return { index, was: state, to: 'waiting', opened: 0, fewerFailed: 0, job: null };
}

function whyNot({ state, error }: NodeRecord): string {
  if (state === 'cancelled') return 'was cancelled';
  return error === null ? 'failed, and its job is no longer in the state discarded' : 'could not be enqueued';
}

function notRetried(workflow: string, reason: string, message: string): ProtocolError {
  const details = { workflow_id: workflow, reason };
  return new ProtocolError('conflict', `${message} Nothing was changed.`, details, wholeAgain);
}

function refusal(job: JobId, workflow: string, reason: string, message: string): ProtocolError {
  const details = { job_id: job, workflow_id: workflow, reason };
  return new ProtocolError('conflict', `${message} Nothing was changed.`, details, otherWays);
}
