/** The outcome of new jobs: inserted, already there, or refused because of an id, a unique key or their queue. */

import { type JobId, type JobRecord, type NewJob, recordOf } from './job/job.ts';
import { State, type StateMask } from './job/states.ts';
import { isIn } from './lifecycle/change.ts';
import { type HeldKey, HeldKeys, type StoredHolders } from './lifecycle/unique/held-keys.ts';

export type Inserted =
  /** `replaced` are the jobs that this one's unique policy cancelled. */
  | { readonly kind: 'inserted'; readonly replaced: readonly JobId[] }
  /** The whole group is there with the same envelopes: a repeated call. */
  | { readonly kind: 'already'; readonly job: JobRecord }
  /**
   * The id belongs to another job, or to a job while the rest of its group is missing; or a job holds the unique key.
   * The id is checked first, or a repeated replacement would cancel its own job. If several jobs hold a key, the oldest
   * unfinished one is named, else the oldest.
   */
  | { readonly kind: 'duplicate'; readonly by: 'id' | 'unique'; readonly existing: JobRecord }
  /** The group does not fit into the queue's capacity: `depth` jobs wait in it, `bound` may. */
  | { readonly kind: 'full'; readonly queue: string; readonly depth: number; readonly bound: number }
  /** The queue is paused, and the caller asked for a refusal. */
  | { readonly kind: 'paused'; readonly queue: string }
  /** Another job of the same group was refused. */
  | { readonly kind: 'aborted' };

export interface InsertOptions {
  /** A paused queue refuses new jobs (`paused`) instead of keeping them. */
  readonly refusePaused?: boolean;
}

/**
 * States that count for a queue's capacity. Active jobs do not, so that a retry can always come back
 * (ojs-backpressure §6).
 */
export const Queued: StateMask = State.available | State.scheduled | State.retryable;

export interface AdmissionOptions extends InsertOptions {
  /** Neither a bound nor a pause refuses the jobs. */
  readonly always?: true;
}

/** The part of a queue that admission reads; `depth` jobs wait in it. */
export interface QueueView {
  readonly paused: boolean;
  readonly capacity: number | null;
  readonly depth: number;
}

/** The part of a store that admission reads. The store must not change while a group is admitted. */
export interface AdmissionView {
  jobById(id: JobId): JobRecord | null;
  readonly holders: StoredHolders;
  /** Null where the queue cannot refuse a job. */
  queue(name: string): QueueView | null;
  /** Active holders of keys that a user's transaction is completing: they can no longer be replaced. */
  readonly completing?: ReadonlySet<JobId>;
}

/**
 * The change of an accepted job: first cancel the jobs that it replaces, of the store or of its own group, then insert
 * it.
 */
export interface Admitted {
  readonly job: NewJob;
  readonly record: JobRecord;
  readonly replaced: readonly JobId[];
}

export interface Admission {
  /** In the order of the group. */
  readonly answers: readonly Inserted[];
  /** In the order of execution; empty if the group is not inserted. */
  readonly admitted: readonly Admitted[];
  /** How many more jobs wait in each queue after the changes. */
  readonly more: ReadonlyMap<string, number>;
}

/**
 * Reports whether only its id or its queue can refuse the job: a storage may insert it before it looks at other jobs.
 */
export function isPlainJob({ unique }: Pick<NewJob, 'unique'>): boolean {
  return unique === null;
}

/**
 * Admits the jobs of a group one by one, each as if the earlier ones were stored already. The id is checked first, then
 * the unique key, then the queue. A group is inserted wholly or not at all; the store applies the changes in the same
 * commit.
 */
export function admit(view: AdmissionView, group: readonly NewJob[], options: AdmissionOptions = {}): Admission {
  const looking = new Looking(view, group.length, options);
  const answers = groupVerdict(group.map((job) => looking.look(job)));
  const isInserted = answers.every(({ kind }) => kind === 'inserted');
  return { answers, admitted: isInserted ? [...looking.admitted.values()] : [], more: looking.more };
}

class Looking {
  readonly admitted = new Map<JobId, Admitted>();
  readonly more = new Map<string, number>();
  readonly #view: AdmissionView;
  readonly #options: AdmissionOptions;
  readonly #keys: HeldKeys;
  /** Younger than every job of the store. */
  #number: number;

  constructor(view: AdmissionView, size: number, options: AdmissionOptions) {
    this.#view = view;
    this.#options = options;
    this.#keys = new HeldKeys(view.holders);
    this.#number = Number.MAX_SAFE_INTEGER - size;
  }

  look(job: NewJob): Inserted {
    const there = this.admitted.get(job.id)?.record ?? this.#view.jobById(job.id);
    if (there !== null) return sameOrOther(job, there);
    const answer = job.unique === null ? { replaces: [] } : this.#keys.look(job.unique);
    const refusedBy = 'refusedBy' in answer ? answer.refusedBy : this.#completing(answer.replaces);
    if (refusedBy !== undefined) return { kind: 'duplicate', by: 'unique', existing: refusedBy.job };
    const replaces = 'replaces' in answer ? answer.replaces : [];
    return this.#queueRefusal(job, replaces) ?? this.#admit(job, replaces);
  }

  #completing(replaces: readonly HeldKey[]): HeldKey | undefined {
    const { completing } = this.#view;
    return completing && replaces.find(({ job, state }) => state === State.active && completing.has(job.id));
  }

  #queueRefusal(job: NewJob, replaces: readonly HeldKey[]): Inserted | null {
    const { always, refusePaused = false } = this.#options;
    const queue = always ? null : this.#view.queue(job.queue);
    if (queue === null) return null;
    const gone = replaces.filter(({ job: { queue }, state }) => queue === job.queue && isIn(state, Queued)).length;
    return queueRefusal(job, queue, (this.more.get(job.queue) ?? 0) - gone, refusePaused);
  }

  #admit(job: NewJob, replaces: readonly HeldKey[]): Inserted {
    const record = recordOf(job);
    const replaced = replaces.map((holder) => holder.job.id);
    for (const { job: holder, state } of replaces) if (isIn(state, Queued)) this.#wait(holder.queue, -1);
    if (isIn(record.state, Queued)) this.#wait(record.queue, 1);
    if (record.uniqueKey !== null) {
      this.#keys.cancel(record.uniqueKey, replaces);
      this.#keys.add(record.uniqueKey, { job: record, number: this.#number++ });
    }
    this.admitted.set(job.id, { job, record, replaced });
    return { kind: 'inserted', replaced };
  }

  #wait(queue: string, by: 1 | -1): void {
    this.more.set(queue, (this.more.get(queue) ?? 0) + by);
  }
}

/** The answer for an id that exists already: the same request again is no duplicate. */
export function sameOrOther(job: NewJob, there: JobRecord): Inserted {
  const same = there.envelope === job.envelope && there.queue === job.queue && there.type === job.type;
  return same ? { kind: 'already', job: there } : { kind: 'duplicate', by: 'id', existing: there };
}

/**
 * Why a queue refuses a new job; null if it does not. Jobs of workflow nodes pass, or a workflow would stop half-way.
 * @param more further jobs of the same group that will wait in the queue; below 0 if they replace some.
 */
export function queueRefusal(
  job: Pick<NewJob, 'state' | 'node' | 'queue'>,
  queue: QueueView,
  more: number,
  refusePaused: boolean,
): Inserted | null {
  if (job.node !== null) return null;
  if (queue.paused && refusePaused) return { kind: 'paused', queue: job.queue };
  const { capacity } = queue;
  // Storages count the depth when it is asked for.
  if (capacity === null || !isIn(job.state, Queued) || queue.depth + more < capacity) return null;
  return { kind: 'full', queue: job.queue, depth: queue.depth, bound: capacity };
}

/**
 * The outcome of a group whose jobs were all checked: inserted, known already as a whole (a repeated call), or refused.
 * If only a part of a group exists, another call made that part, so its jobs are `duplicate`.
 */
export function groupVerdict(answers: readonly Inserted[]): readonly Inserted[] {
  const every = (kind: Inserted['kind']) => answers.every((answer) => answer.kind === kind);
  if (every('inserted') || every('already')) return answers;
  const refused = answers.some(({ kind }) => kind !== 'inserted' && kind !== 'already');
  return answers.map((answer): Inserted => {
    if (answer.kind === 'already')
      return refused ? { kind: 'aborted' } : { kind: 'duplicate', by: 'id', existing: answer.job };
    return answer.kind === 'inserted' ? { kind: 'aborted' } : answer;
  });
}
