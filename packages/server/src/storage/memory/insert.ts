import { creationEvent, type JobId, type JobRecord, type NewJob, type NewUnique, recordOf } from '@ojs-ts/core';
import { doorAnswer, groupVerdict, isIn, Queued, uniqueAnswer } from '../apply.ts';
import { hasNumbers } from '../limits.ts';
import { sumsOf } from '../statistics.ts';
import type { Inserted, InsertOptions } from '../storage.ts';
import type { Change } from './change.ts';
import { replace, replacedBy } from './move.ts';
import type { Tables } from './tables.ts';

export interface Admission extends InsertOptions {
  /** Neither a bound nor a pause refuses the job. */
  readonly always?: true;
}

interface Plan {
  readonly job: NewJob;
  readonly record: JobRecord;
  readonly replaced: readonly JobId[];
}

export function insertGroup(tables: Tables, group: readonly NewJob[], change: Change, admission: Admission = {}): readonly Inserted[] {
  const draft = new Draft(tables, change, admission);
  const answers = group.map((job) => draft.look(job));
  const settled = groupVerdict(answers);
  if (settled.some(({ kind }) => kind !== 'inserted')) return settled;
  for (const plan of draft.plans) carryOut(tables, plan, change);
  return answers;
}

function carryOut(tables: Tables, { job, record, replaced }: Plan, change: Change): void {
  for (const id of replaced) {
    const row = tables.rows.get(id);
    if (row) replace(tables, row, change);
  }
  for (const { key, concurrency, rates } of job.limits) {
    if (hasNumbers({ concurrency, rates })) tables.changeLimit(key, { own: { concurrency, rates } }, change.now);
    else tables.limit(key);
  }
  tables.add(record, change.now);
  tables.sums.add(record.queue, sumsOf(null, record.state, change.now), change.now);
  const kind = creationEvent(record.state);
  if (kind) change.tell(kind, record, null);
}

interface Fresh {
  readonly record: JobRecord;
  readonly number: number;
}

/** What a group has put under a unique key. Only what it has not cancelled again can be replaced, so ten thousand that replace each other cost no more than each. */
interface Known {
  readonly all: Fresh[];
  readonly unfinished: Set<Fresh>;
}

interface Holder {
  readonly id: JobId;
  readonly state: JobRecord['state'];
  readonly createdAt: number;
  /** Order of creation. */
  readonly number: number;
  /** What an answer says of it: as it is if the group is refused. */
  readonly stored: JobRecord;
}

/** A group that is looked at job by job, each as if those before it were there. Nothing is written meanwhile. */
class Draft {
  readonly plans: Plan[] = [];
  readonly #tables: Tables;
  readonly #change: Change;
  readonly #admission: Admission;
  readonly #fresh = new Map<JobId, Fresh>();
  readonly #byKey = new Map<string, Known>();
  /** Jobs that the group cancels, as they will be. */
  readonly #cancelled = new Map<JobId, JobRecord>();
  /** By queue, how many jobs more will wait in it. */
  readonly #more = new Map<string, number>();

  constructor(tables: Tables, change: Change, admission: Admission) {
    this.#tables = tables;
    this.#change = change;
    this.#admission = admission;
  }

  look(job: NewJob): Inserted {
    const there = this.#fresh.get(job.id)?.record ?? this.#tables.rows.get(job.id)?.job;
    if (there) {
      const same = there.envelope === job.envelope && there.queue === job.queue && there.type === job.type;
      return same ? { kind: 'already', job: there } : { kind: 'duplicate', by: 'id', existing: there };
    }
    const answer = job.unique === null ? { replaces: [] } : uniqueAnswer(job.unique, this.#holders(job.unique));
    if ('refusedBy' in answer) return { kind: 'duplicate', by: 'unique', existing: answer.refusedBy.stored };
    return this.#doorAnswer(job, answer.replaces) ?? this.#plan(job, answer.replaces);
  }

  #doorAnswer(job: NewJob, replaces: readonly Holder[]): Inserted | null {
    if (this.#admission.always) return null;
    const queue = this.#tables.queues.get(job.queue);
    if (!queue) return null;
    const gone = replaces.filter(({ stored, state }) => stored.queue === job.queue && isIn(state, Queued)).length;
    const { name, paused, capacity, depth } = queue;
    const more = (this.#more.get(name) ?? 0) - gone;
    return doorAnswer(job, { name, paused, capacity, depth, more }, this.#admission.refusePaused ?? false);
  }

  #plan(job: NewJob, replaces: readonly Holder[]): Inserted {
    const record = recordOf(job);
    const replaced = replaces.map(({ id }) => id);
    const known = this.#byKey.get(record.uniqueKey ?? '') ?? { all: [], unfinished: new Set<Fresh>() };
    for (const { id, stored, state } of replaces) {
      this.#cancelled.set(id, replacedBy(stored, this.#change));
      const mine = this.#fresh.get(id);
      if (mine) known.unfinished.delete(mine);
      if (isIn(state, Queued)) this.#wait(stored.queue, -1);
    }
    if (isIn(record.state, Queued)) this.#wait(record.queue, 1);
    const fresh = { record, number: this.#fresh.size };
    this.#fresh.set(job.id, fresh);
    if (record.uniqueKey !== null) {
      known.all.push(fresh);
      known.unfinished.add(fresh);
      this.#byKey.set(record.uniqueKey, known);
    }
    this.plans.push({ job, record, replaced });
    return { kind: 'inserted', replaced };
  }

  #wait(queue: string, by: 1 | -1): void {
    this.#more.set(queue, (this.#more.get(queue) ?? 0) + by);
  }

  /** Who has the key, oldest first. */
  #holders(unique: NewUnique): readonly Holder[] {
    const { holders } = this.#tables;
    const stored = holders.candidates(unique).map(({ job, number }) => this.#holder(job, number));
    const known = this.#byKey.get(unique.key);
    const fresh = (unique.onConflict === 'keep' ? known?.all : known?.unfinished) ?? [];
    // Younger than every stored one.
    const later = Array.from(fresh, ({ record, number }) => this.#holder(record, Number.MAX_SAFE_INTEGER / 2 + number));
    return [...stored, ...later].sort((a, b) => a.createdAt - b.createdAt || a.number - b.number);
  }

  #holder(stored: JobRecord, number: number): Holder {
    const { id, createdAt } = stored;
    return { id, createdAt, number, stored, state: this.#cancelled.get(id)?.state ?? stored.state };
  }
}
