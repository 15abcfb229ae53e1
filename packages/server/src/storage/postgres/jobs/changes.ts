import type { Millis } from '@ojs-ts/core';
import {
  fingerprintAfter,
  type JobRecord,
  type NodeRef,
  queueLimitKey,
  State,
  Terminal,
  type Transition,
} from '@ojs-ts/core/job';
import { eventsOf, expired, isIn, moved, textsOf, type Verdict, verdict } from '@ojs-ts/core/lifecycle';
import { sumsOf } from '@ojs-ts/core/statistics';
import type { Transaction } from '../connection/transaction.ts';
import type { EventBuffer } from '../events/event-buffer.ts';
import { queuesUnder } from '../limits/limit-deltas.ts';
import { closeNodes, type Graph, type NodeEnd } from '../workflows/graph.ts';
import type { NarrowJob } from './job-row.ts';
import type { LockedJob } from './locked-job.ts';
import { writeMoves } from './moves.ts';

/** Queues whose jobs wait for a freed slot: of a key, or of a queue that is limited as a whole. */
const queuesOfFreedSlots = `${queuesUnder}
  UNION ALL SELECT substr(key, ${queueLimitKey('').length + 1}) FROM ojs.limits WHERE key = ANY ($2::text[])`;

/**
 * The changes of an operation to jobs that it has locked. Each change sees the changes before it; every row is written
 * once, at the end (see moves.ts).
 */
export class Changes {
  readonly #tx: Transaction;
  readonly #now: Millis;
  /** In the order of their last changes. */
  readonly #changed = new Set<LockedJob>();
  readonly #ends: NodeEnd[] = [];
  readonly #freed = new Set<string>();
  /** The workflows that retries of the operation may reopen. */
  readonly #graph: Graph | null;

  constructor(tx: Transaction, now: Millis, graph: Graph | null = null) {
    this.#tx = tx;
    this.#now = now;
    this.#graph = graph;
  }

  /** Applies the transition if the job's state and claim allow it. */
  move<J extends NarrowJob>(held: LockedJob<J>, transition: Transition, log: EventBuffer = this.#tx.log): Verdict {
    const tx = this.#tx;
    const before = held.job;
    const envelope = transition.envelopeWas === undefined ? undefined : (held.texts.envelope ?? held.envelope);
    const kind = verdict(envelope === undefined ? before : { ...before, envelope }, transition);
    if (kind !== 'moves') return kind;
    const { reopens } = transition;
    if (reopens !== undefined && !this.#graph?.reopen(reopens)) return 'refused';
    const next = moved(before, transition, this.#now);
    const changed = textsOf(transition, next);
    held.job = { ...next, ...changed };
    held.texts = { ...held.texts, ...changed };
    if (changed.result !== undefined) held.result = changed.result;
    const fingerprint = fingerprintAfter(transition);
    if (fingerprint !== undefined) held.fingerprint = fingerprint;
    const { job } = held;
    this.#note(held);
    if (before.queue !== job.queue) {
      tx.count(before, before.state, null);
      tx.count(job, null, job.state);
    } else if (before.state !== job.state) tx.count(job, before.state, job.state);
    else if (job.state === State.available) tx.limits.change(job, before.state, job.state);
    if (before.deadLetter !== job.deadLetter) tx.counts.addDeadLetter(before.queue, job.deadLetter ? 1 : -1);
    tx.counts.sum(before, sumsOf(before, job.state, this.#now, transition));
    for (const event of eventsOf(transition, before.state)) log.job(event.kind, job, before.state, event.data ?? null);
    if (reopens !== undefined) log.add(reopens.events);
    if (job.state === State.available) tx.woken.add(job.queue);
    if (before.state === State.active && job.state !== State.active) this.#freed.add(job.queue);
    if (isIn(job.state, Terminal)) this.ended(held, log);
    return kind;
  }

  /** Ends a waiting job that is past its expiry. */
  expire(held: LockedJob<JobRecord>): void {
    const verdict = this.move(held, expired(held.job, this.#now));
    if (verdict !== 'moves') throw new Error(`Job ${held.job.id} has expired, but its transition was ${verdict}.`);
  }

  /** Makes a job available whose time has come. */
  promote<J extends NarrowJob>(held: LockedJob<J>, job: J): void {
    this.#tx.count(job, held.job.state, job.state);
    this.#tx.counts.sum(job, sumsOf(held.job, job.state, this.#now));
    this.#tx.woken.add(job.queue);
    held.job = job;
    this.#note(held);
  }

  /** Notes that the job has ended or is removed, for the node that it belongs to. */
  ended({ job, result }: LockedJob, log: EventBuffer = this.#tx.log): void {
    if (job.node !== null) this.#ends.push({ node: job.node, job, result, log: log.section() });
  }

  /** How many ends of nodes are noted so far, for which {@link close} returns an item each. */
  get ends(): number {
    return this.#ends.length;
  }

  /** Notes a freed slot of the queue as a whole, where no transition freed it. */
  freed(queue: string): void {
    this.#freed.add(queue);
  }

  /** Sends the changed rows; they may be changed again afterwards. */
  write(): void {
    if (this.#changed.size > 0) writeMoves(this.#tx, [...this.#changed]);
    this.#changed.clear();
    this.#graph?.flush();
    this.#wakeByFreedSlots();
  }

  /**
   * Closes the nodes of the jobs that ended, after the rows are written; returns for each the nodes that became ready.
   */
  async close(): Promise<readonly (readonly NodeRef[])[]> {
    return closeNodes(this.#tx, this.#ends.splice(0), this.#now);
  }

  #note(held: LockedJob): void {
    this.#changed.delete(held);
    this.#changed.add(held);
  }

  #wakeByFreedSlots(): void {
    const tx = this.#tx;
    const { freed } = tx.limits;
    if (this.#freed.size === 0 && freed.size === 0) return;
    tx.wake(queuesOfFreedSlots, [[...freed], [...this.#freed].map(queueLimitKey)]);
    this.#freed.clear();
    freed.clear();
  }
}
