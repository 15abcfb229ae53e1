import {
  cancelled,
  HeldKeys,
  type Holder,
  isIn,
  type JobId,
  type JobRecord,
  type Millis,
  type NewJob,
  Queued,
  queueRefusal,
  recordOf,
  State,
  type Transition,
} from '@ojs-ts/core';
import type { Inserted } from '../storage.ts';
import type { Held } from './held.ts';
import type { Admission } from './insert.ts';
import { type Shelf, shelve } from './shelf.ts';

/** What becomes of a job that is accepted. */
export interface Plan {
  readonly job: NewJob;
  readonly held: Held<JobRecord>;
  /** Jobs that it cancels first: of the store, of earlier groups, or of its own. */
  readonly replaces: readonly { readonly held: Held<JobRecord>; readonly transition: () => Transition }[];
}

/** A group that is looked at job by job, each as if those before it were there. Nothing changes until all of it is known to fit. */
export class Draft {
  readonly plans: Plan[] = [];
  readonly #shelf: Shelf;
  readonly #admission: Admission;
  readonly #now: Millis;
  readonly #fresh = new Map<JobId, Held<JobRecord>>();
  readonly #keys: HeldKeys<Held<JobRecord>>;
  /** By queue, how many jobs more will wait in it. */
  readonly #more = new Map<string, number>();

  constructor(shelf: Shelf, admission: Admission, now: Millis) {
    this.#shelf = shelf;
    this.#admission = admission;
    this.#now = now;
    this.#keys = new HeldKeys<Held<JobRecord>>({
      all: (key) => (shelf.byKey.get(key) ?? []).map(holderOf),
      oldest: null,
    });
  }

  look(job: NewJob): Inserted {
    const there = (this.#fresh.get(job.id) ?? this.#shelf.jobs.get(job.id))?.job;
    if (there) {
      const same = there.envelope === job.envelope && there.queue === job.queue && there.type === job.type;
      return same ? { kind: 'already', job: there } : { kind: 'duplicate', by: 'id', existing: there };
    }
    const answer = job.unique === null ? { replaces: [] } : this.#keys.look(job.unique);
    if ('refusedBy' in answer) return { kind: 'duplicate', by: 'unique', existing: answer.refusedBy.stored.job };
    const completing = answer.replaces.find(
      ({ id, state }) => state === State.active && this.#shelf.completing.has(id),
    );
    if (completing) return { kind: 'duplicate', by: 'unique', existing: completing.stored.job };
    return this.#doorAnswer(job, answer.replaces) ?? this.#plan(job, answer.replaces);
  }

  /** The group is accepted: later ones see it. */
  keep(): void {
    for (const held of this.#fresh.values()) shelve(this.#shelf, held);
    for (const [queue, more] of this.#more) {
      const gate = this.#shelf.gates.get(queue);
      if (gate) gate.depth += more;
    }
  }

  #doorAnswer(job: NewJob, replaces: readonly Holder<Held<JobRecord>>[]): Inserted | null {
    const gate = this.#shelf.gates.get(job.queue);
    if (!gate) return null;
    const gone = replaces.filter(({ stored, state }) => stored.job.queue === job.queue && isIn(state, Queued)).length;
    const more = (this.#more.get(job.queue) ?? 0) - gone;
    return queueRefusal(job, { name: job.queue, ...gate, more }, this.#admission.refusePaused ?? false);
  }

  #plan(job: NewJob, replaces: readonly Holder<Held<JobRecord>>[]): Inserted {
    const held: Held<JobRecord> = {
      number: Number.MAX_SAFE_INTEGER / 2 + this.#shelf.jobs.size + this.#fresh.size,
      job: recordOf(job),
      result: null,
      texts: {},
    };
    for (const { stored, state } of replaces) if (isIn(state, Queued)) this.#wait(stored.job.queue, -1);
    if (isIn(job.state, Queued)) this.#wait(job.queue, 1);
    this.#fresh.set(job.id, held);
    if (job.unique !== null) {
      this.#keys.cancel(job.unique.key, replaces);
      this.#keys.add(job.unique.key, holderOf(held));
    }
    const replaced = replaces.map(({ stored }) => ({
      held: stored,
      transition: () => cancelled(stored.job, this.#now),
    }));
    this.plans.push({ job, held, replaces: replaced });
    return { kind: 'inserted', replaced: replaces.map(({ id }) => id) };
  }

  #wait(queue: string, by: 1 | -1): void {
    this.#more.set(queue, (this.#more.get(queue) ?? 0) + by);
  }
}

function holderOf(held: Held<JobRecord>): Holder<Held<JobRecord>> {
  const { id, createdAt, state } = held.job;
  return { id, createdAt, number: held.number, state, stored: held };
}
