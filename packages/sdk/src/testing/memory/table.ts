import type { Clock } from '@ojs-ts/core';
import type { BulkStore } from '@ojs-ts/core/bulk';
import type { CronStore } from '@ojs-ts/core/cron';
import { endsChildren, type WorkflowEnd, wakeParent } from '@ojs-ts/core/durable';
import {
  defaultTimeoutMs,
  type JobId,
  type JobRecord,
  type Json,
  type NewJob,
  type NodeRef,
  State,
  type Transition,
  Waiting,
} from '@ojs-ts/core/job';
import {
  atOnce,
  type ClaimTerms,
  cancelled,
  expired,
  type Inserted,
  isIn,
  type JobStore,
  missingJob,
  run,
} from '@ojs-ts/core/lifecycle';
import { type Moved, memoryStore, nextOfEach, startNow, Tables } from '@ojs-ts/core/memory';
import type { CountedLists } from '@ojs-ts/core/requests';
import { decideNode, parentOf, refuseNode, type WorkflowStep, workflowCancelled } from '@ojs-ts/core/workflow';
import { MemorySteps } from './step-store.ts';

const everything = Number.MAX_SAFE_INTEGER;
const noWakes = { wake() {}, logged() {} };

/** No other worker takes the job here, so the end of its lease does not count. */
export function termsOf(worker: string): ClaimTerms {
  return { worker, leaseMs: null, defaultLeaseMs: defaultTimeoutMs, leaseRequired: true };
}

/** The store in memory that a server has, and what its engine and its upkeep do with it, at once. */
export class Table implements JobStore, BulkStore, CountedLists, CronStore {
  readonly clock: Clock;
  readonly tables = new Tables(noWakes, true);
  readonly #store = memoryStore(() => this.tables);
  readonly jobs = this.#store.jobs;
  readonly registry = this.#store.registry;
  readonly workflows = this.#store.workflows;
  readonly records = this.#store.records;
  readonly log = this.#store.log;
  readonly steps = new MemorySteps(this);
  /** The newest job and place that `takeFresh` has seen. */
  #seen = this.tables.newest;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get now(): number {
    return this.clock.now();
  }

  /** In the order of creation. */
  get all(): readonly JobRecord[] {
    return [...this.tables.rows.values()].map(({ job }) => job);
  }

  get(id: JobId): JobRecord | null {
    return this.tables.rows.get(id)?.job ?? null;
  }

  insert(group: readonly NewJob[]): readonly Inserted[] {
    return this.jobs.insert([group], this.now).flat();
  }

  transition(transition: Transition): Moved {
    const [moved = { kind: 'missing' }] = this.jobs.transition([transition], this.now);
    this.#advance();
    return moved;
  }

  record(events: readonly Json[]): void {
    this.log.record(events, this.now);
  }

  /** Starts a job that waits; in inline mode, and in a drain of scheduled jobs, before it is due. */
  start(id: JobId, worker: string): JobRecord {
    const row = this.tables.rows.get(id);
    if (row === undefined) throw missingJob(id);
    return this.tables.change(this.now, (change) => startNow(this.tables, row, termsOf(worker), change));
  }

  /** The job that a worker of all queues, or of one, gets next. */
  next(queue: string | undefined): JobRecord | undefined {
    const { queues } = this.tables;
    const [row] = nextOfEach(
      this.tables,
      [...queues.values()].filter(({ name }) => queue === undefined || name === queue),
      this.now,
    );
    return row?.job;
  }

  /** Reports whether no concurrency limit holds the job back. */
  hasSlot({ id }: JobRecord): boolean {
    const row = this.tables.rows.get(id);
    if (row === undefined) return false;
    const ofQueue = this.tables.queueLimit(row.queue)?.hasSlot(row.queue.count(State.active)) ?? true;
    return ofQueue && row.group.keys.every((limit) => limit.hasSlot());
  }

  /** Does the work of upkeep: due jobs become available, expired ones are discarded, workflows continue. */
  tick(): void {
    const { now } = this;
    const { upkeep, jobs } = this.#store;
    upkeep.promote(now, everything);
    const late = upkeep.overdue(now, everything).filter(({ state }) => isIn(state, Waiting));
    if (late.length > 0)
      jobs.transition(
        late.map((job) => expired(job, now)),
        now,
      );
    this.#advance();
    this.steps.undo();
  }

  /** Jobs that were created, or became available again, since the last call. */
  takeFresh(): readonly JobId[] {
    const seen = this.#seen;
    this.#seen = this.tables.newest;
    if (this.#seen.number === seen.number && this.#seen.order === seen.order) return [];
    return [...this.tables.rows.values()].flatMap(({ number, order, job }) =>
      number > seen.number || order > seen.order ? [job.id] : [],
    );
  }

  /** Removes jobs and workflows with their statistics. */
  clear(): void {
    const { rows, workflows, statistics } = this.tables;
    for (const row of rows.values()) this.tables.drop(row);
    for (const row of workflows.rows.values()) workflows.drop(row);
    statistics.prune(everything, everything);
  }

  /** Starts the ready steps of workflows, and cancels the jobs of cancelled ones. */
  #advance(): void {
    const { now, workflows } = this;
    this.#endChildren();
    for (let goesOn = true; goesOn; ) {
      const { ready, sweeping } = workflows.unfinished(everything);
      for (const id of sweeping) this.#sweep(id);
      const steps = ready.flatMap((ref) => this.#decide(ref) ?? []);
      for (const step of steps)
        if (step.kind === 'close' && step.end !== null) this.#end(step.node.workflow, step.end.state);
      const advanced = steps.length === 0 ? [] : workflows.advance(steps, now);
      const refused = advanced.flatMap(({ inserted }, index) => {
        const step = steps[index];
        return inserted?.kind === 'duplicate' && step ? (this.#refuse(step.node, inserted.existing.id) ?? []) : [];
      });
      const closed = refused.length === 0 ? [] : workflows.advance(refused, now);
      goesOn = [...advanced, ...closed].some(({ done }) => done);
    }
  }

  /** Wakes the job whose step waits for the workflow. */
  #end(id: string, end: WorkflowEnd): void {
    const row = this.tables.workflows.rows.get(id);
    if (row === undefined) return;
    const node = row.record.total === 1 ? row.nodes.get(0) : undefined;
    const only = node === undefined ? null : { node, job: this.get(node.job ?? '') };
    atOnce(run(wakeParent(this.steps, row.record, end, only)));
  }

  /** Cancels the workflows whose parent has ended, and those whose first child has failed. */
  #endChildren(): void {
    for (const { record } of this.tables.workflows.rows.values()) {
      const parent = parentOf(record);
      if (parent !== null && endsChildren(record, this.get(parent.job)))
        this.workflows.cancel(record.id, [workflowCancelled(record, this.now)], this.now);
    }
  }

  #decide(ref: NodeRef): WorkflowStep | undefined {
    const row = this.tables.workflows.rows.get(ref.workflow);
    const node = row?.nodes.get(ref.index);
    if (row === undefined || node === undefined) return undefined;
    const jobs = new Map<JobId, JobRecord | null>();
    for (;;) {
      const decided = decideNode(row.record, node, { nodes: row.nodes, jobs }, this.now);
      if (decided.kind !== 'needs') return decided;
      for (const id of decided.jobs) jobs.set(id, this.get(id));
    }
  }

  #refuse(ref: NodeRef, holder: JobId): WorkflowStep | undefined {
    const row = this.tables.workflows.rows.get(ref.workflow);
    const node = row?.nodes.get(ref.index);
    return row && node && refuseNode(row.record, node, holder, this.now);
  }

  #sweep(id: string): void {
    const { now, jobs } = this;
    this.#end(id, 'cancelled');
    const nodes = this.workflows.nodes(id, -1, everything);
    const left = nodes.flatMap(({ job, state }) => (job === null || state !== 'pending' ? [] : (this.get(job) ?? [])));
    const waiting = left.filter(({ state }) => isIn(state, Waiting));
    jobs.transition(
      waiting.map((job) => cancelled(job, now)),
      now,
    );
    this.workflows.swept(id);
  }
}
