import {
  type AdmissionView,
  admit,
  Bulk,
  type BulkStore,
  type ClaimTerms,
  type Clock,
  type CountedLists,
  cancelled,
  claimed,
  creationEvent,
  defaultTimeoutMs,
  eventsOf,
  expired,
  fits,
  type Holder,
  type Inserted,
  isExpired,
  isIn,
  type JobId,
  type JobQuery,
  type JobRecord,
  type JobStore,
  type Json,
  Leases,
  Lifecycle,
  missingJob,
  moved,
  type NewJob,
  newestFirst,
  newKey,
  type Page,
  promoted,
  promotionEvent,
  type QueueCounts,
  type RemovalGuard,
  type Reopening,
  State,
  sorting,
  Terminal,
  type Transition,
  textsOf,
  verdict,
  Waiting,
  type WorkflowReader,
} from '@ojs-ts/core';
import { EventLog } from './log.ts';

export interface QueueRow {
  readonly name: string;
  readonly paused: boolean;
  readonly createdAt: number;
}

/** Nobody takes the job away from its worker here, so the end of its lease does not count. */
export function termsOf(worker: string): ClaimTerms {
  return { worker, leaseMs: null, defaultLeaseMs: defaultTimeoutMs, leaseRequired: true };
}

/** Jobs and queues of a store. Everything happens at once: nothing here waits. */
export class Table implements JobStore, BulkStore, CountedLists {
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  readonly log = new EventLog();
  readonly bulk: Bulk;
  readonly jobs: BulkStore['jobs'];
  readonly registry = {
    queues: (names?: readonly string[]) =>
      this.queueCounts().filter(({ name }) => names === undefined || names.includes(name)),
  };
  readonly leases = new Leases(newKey());
  /** In the order of their creation. */
  rows = new Map<JobId, JobRecord>();
  queues = new Map<string, QueueRow>();
  /** Told of a job that has ended. */
  ended: (job: JobRecord) => void = () => {};
  /** Told of a retry that its workflow goes on with; false where the workflow has changed since. */
  reopen: (reopening: Reopening) => boolean = () => false;
  workflows: WorkflowReader = { get: () => null, nodes: () => [] };
  /** When a job was created, as a number that grows. */
  readonly #numbers = new Map<JobId, number>();
  /** When a job became available, as a number that grows. */
  #places = new Map<JobId, number>();
  #order = 0;
  /** Jobs that were put in, or set going again, since they were asked for. */
  #fresh: JobId[] = [];
  readonly #view: AdmissionView = {
    jobById: (id) => this.rows.get(id) ?? null,
    holders: { all: (key) => this.#holders(key), oldest: null },
    queue: () => null,
  };

  constructor(clock: Clock) {
    this.clock = clock;
    this.lifecycle = new Lifecycle(this, clock);
    this.jobs = {
      list: (query) => this.#list(query),
      get: (ids) => ids.map((id) => this.get(id)),
      remove: (ids, guard) => ids.map((id) => this.#remove(id, guard)),
    };
    // Nothing but a defect fails here.
    this.bulk = new Bulk(this, clock, this.lifecycle, (error) => {
      throw error;
    });
  }

  get now(): number {
    return this.clock.now();
  }

  get(id: JobId): JobRecord | null {
    return this.rows.get(id) ?? null;
  }

  /** @throws ProtocolError `not_found` */
  known(id: JobId): JobRecord {
    const job = this.rows.get(id);
    if (job === undefined) throw missingJob(id);
    return job;
  }

  queue(name: string): QueueRow {
    const known = this.queues.get(name);
    if (known !== undefined) return known;
    const row = { name, paused: false, createdAt: this.now };
    this.queues.set(name, row);
    return row;
  }

  /** Inserts a group wholly or not at all. No queue has a bound here, and a paused one takes jobs. */
  insert(group: readonly NewJob[]): readonly Inserted[] {
    const { answers, admitted } = admit(this.#view, group);
    for (const { record, replaced } of admitted) {
      for (const id of replaced) this.move(cancelled(this.known(id), this.now));
      this.queue(record.queue);
      this.#set(record);
      this.#fresh.push(record.id);
      const kind = creationEvent(record.state);
      if (kind !== null) this.log.job(kind, record, null, this.now);
    }
    return answers;
  }

  insertOne(job: NewJob): Inserted {
    const [answer] = this.insert([job]);
    if (answer === undefined) throw new Error('The insert of one job was answered without one.');
    return answer;
  }

  transition(transition: Transition): {
    readonly kind: 'moved' | 'already' | 'refused' | 'missing';
    readonly was: State;
  } {
    const job = this.rows.get(transition.id);
    if (job === undefined) return { kind: 'missing', was: transition.to };
    const kind = verdict(job, transition);
    if (kind !== 'moves') return { kind, was: job.state };
    if (transition.reopens !== undefined && !this.reopen(transition.reopens))
      return { kind: 'refused', was: job.state };
    this.move(transition);
    return { kind: 'moved', was: job.state };
  }

  /** Makes a change that was decided from the job as it is. */
  move(transition: Transition): JobRecord {
    const { now } = this;
    const job = this.known(transition.id);
    const next = moved(job, transition, now);
    const after = { ...next, ...textsOf(transition, next) };
    this.#set(after);
    if (after.state === State.available && job.state !== State.active) this.#fresh.push(after.id);
    for (const { kind, data = null } of eventsOf(transition, job.state))
      this.log.job(kind, after, job.state, now, data);
    if (transition.reopens !== undefined) this.record(transition.reopens.events);
    if (isIn(after.state, Terminal) && !isIn(job.state, Terminal)) this.ended(after);
    return after;
  }

  claim(job: JobRecord, worker: string): JobRecord {
    const after = claimed(job.state === State.available ? job : this.promote(job), termsOf(worker), this.now);
    this.#set(after);
    this.log.job('job.started', after, State.available, this.now);
    return after;
  }

  promote(job: JobRecord): JobRecord {
    const after = promoted(job, this.now);
    this.#set(after);
    this.log.job(promotionEvent(job.state), after, job.state, this.now);
    return after;
  }

  /** What the time has brought: jobs that are due become available, expired ones are discarded. */
  tick(): void {
    const { now } = this;
    const due: JobRecord[] = [];
    for (const job of this.rows.values()) {
      if (isIn(job.state, Waiting) && isExpired(job, now)) this.move(expired(job, now));
      else if (isIn(job.state, State.scheduled | State.retryable) && job.runAt <= now) due.push(job);
    }
    for (const job of due.sort((a, b) => a.runAt - b.runAt)) this.promote(job);
  }

  record(events: readonly Json[]): void {
    for (const event of events) this.log.add(event, this.now);
  }

  queueCounts(): readonly (QueueRow & QueueCounts)[] {
    return [...this.queues.values()].map((queue) => {
      const jobs = [...this.rows.values()].filter((job) => job.queue === queue.name);
      const counts: Partial<Record<State, number>> = {};
      for (const { state } of jobs) counts[state] = (counts[state] ?? 0) + 1;
      return { ...queue, counts, deadLetter: jobs.filter((job) => job.deadLetter).length };
    });
  }

  #list({
    states,
    deadLetter,
    queue,
    type,
    fingerprint,
    after,
    offset = 0,
    limit,
    order = newestFirst,
  }: JobQuery): Page<JobRecord> {
    const { compare, behind, cursor } = sorting(order);
    const fit = [...this.rows.values()].filter((job) =>
      fits(job, {
        states,
        ...(deadLetter && { deadLetter }),
        ...(queue && { queue }),
        ...(type && { type }),
        ...(fingerprint && { fingerprint }),
      }),
    );
    const rows = fit.map((job) => ({ job, number: this.#numbers.get(job.id) ?? 0, order: this.#placeOf(job) }));
    const sorted = rows.sort(compare);
    const left = after === undefined ? sorted.slice(offset) : sorted.filter(behind(after));
    const page = left.slice(0, limit);
    const last = page.at(-1);
    const next = last && left.length > page.length ? cursor(last) : null;
    return { items: page.map(({ job }) => job), next };
  }

  #remove(id: JobId, { from, deadLetter }: RemovalGuard): boolean {
    const job = this.rows.get(id);
    return job !== undefined && isIn(job.state, from) && (!deadLetter || job.deadLetter) && this.rows.delete(id);
  }

  /** Available jobs in the order in which a worker gets them: by priority, then first in, first out. */
  available(): readonly JobRecord[] {
    const jobs = [...this.rows.values()].filter(({ state }) => state === State.available);
    return jobs.sort((a, b) => b.priority - a.priority || this.#placeOf(a) - this.#placeOf(b));
  }

  takeFresh(): readonly JobId[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  #set(job: JobRecord): void {
    if (job.state === State.available && this.rows.get(job.id)?.state !== State.available)
      this.#places.set(job.id, ++this.#order);
    if (!this.#numbers.has(job.id)) this.#numbers.set(job.id, this.#numbers.size + 1);
    this.rows.set(job.id, job);
  }

  #placeOf({ id }: JobRecord): number {
    return this.#places.get(id) ?? 0;
  }

  /** In the order of their age. */
  #holders(key: string): readonly Holder[] {
    const jobs = [...this.rows.values()].map((job, number) => ({ job, number }));
    return jobs.filter(({ job }) => job.uniqueKey === key).sort((a, b) => a.job.createdAt - b.job.createdAt);
  }
}
