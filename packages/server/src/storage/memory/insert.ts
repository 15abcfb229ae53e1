import {
  creationEvent,
  groupVerdict,
  HeldKeys,
  type Holder,
  hasNumbers,
  isIn,
  type JobId,
  type JobRecord,
  type NewJob,
  Queued,
  queueRefusal,
  recordOf,
  sumsOf,
} from '@ojs-ts/core';
import type { Inserted, InsertOptions } from '../storage.ts';
import type { Change } from './change.ts';
import { replace } from './move.ts';
import type { Row, Tables } from './tables.ts';

export interface Admission extends InsertOptions {
  /** Neither a bound nor a pause refuses the job. */
  readonly always?: true;
}

interface Plan {
  readonly job: NewJob;
  readonly record: JobRecord;
  readonly replaced: readonly JobId[];
}

export function insertGroup(
  tables: Tables,
  group: readonly NewJob[],
  change: Change,
  admission: Admission = {},
): readonly Inserted[] {
  const draft = new Draft(tables, admission);
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
  tables.statistics.add(record.queue, sumsOf(null, record.state, change.now), change.now);
  const kind = creationEvent(record.state);
  if (kind) change.log(kind, record, null);
}

/** A group that is looked at job by job, each as if those before it were there. Nothing is written meanwhile. */
class Draft {
  readonly plans: Plan[] = [];
  readonly #tables: Tables;
  readonly #admission: Admission;
  readonly #fresh = new Map<JobId, JobRecord>();
  readonly #keys: HeldKeys<JobRecord>;
  /** By queue, how many jobs more will wait in it. */
  readonly #more = new Map<string, number>();

  constructor(tables: Tables, admission: Admission) {
    this.#tables = tables;
    this.#admission = admission;
    const holderOf = ({ job, number }: Row) => holder(job, number);
    this.#keys = new HeldKeys<JobRecord>({
      all: (key) => tables.uniqueKeys.unfinished(key).map(holderOf),
      oldest: (key, state, after) => {
        const row = tables.uniqueKeys.oldest(key, state, after);
        return row ? holderOf(row) : null;
      },
    });
  }

  look(job: NewJob): Inserted {
    const there = this.#fresh.get(job.id) ?? this.#tables.rows.get(job.id)?.job;
    if (there) {
      const same = there.envelope === job.envelope && there.queue === job.queue && there.type === job.type;
      return same ? { kind: 'already', job: there } : { kind: 'duplicate', by: 'id', existing: there };
    }
    const answer = job.unique === null ? { replaces: [] } : this.#keys.look(job.unique);
    if ('refusedBy' in answer) return { kind: 'duplicate', by: 'unique', existing: answer.refusedBy.stored };
    return this.#doorAnswer(job, answer.replaces) ?? this.#plan(job, answer.replaces);
  }

  #doorAnswer(job: NewJob, replaces: readonly Holder<JobRecord>[]): Inserted | null {
    if (this.#admission.always) return null;
    const queue = this.#tables.queues.get(job.queue);
    if (!queue) return null;
    const gone = replaces.filter(({ stored, state }) => stored.queue === job.queue && isIn(state, Queued)).length;
    const { name, paused, capacity, depth } = queue;
    const more = (this.#more.get(name) ?? 0) - gone;
    return queueRefusal(job, { name, paused, capacity, depth, more }, this.#admission.refusePaused ?? false);
  }

  #plan(job: NewJob, replaces: readonly Holder<JobRecord>[]): Inserted {
    const record = recordOf(job);
    const replaced = replaces.map(({ id }) => id);
    for (const { stored, state } of replaces) if (isIn(state, Queued)) this.#wait(stored.queue, -1);
    if (isIn(record.state, Queued)) this.#wait(record.queue, 1);
    // Younger than every stored one.
    const number = Number.MAX_SAFE_INTEGER / 2 + this.#fresh.size;
    this.#fresh.set(job.id, record);
    if (record.uniqueKey !== null) {
      this.#keys.cancel(record.uniqueKey, replaces);
      this.#keys.add(record.uniqueKey, holder(record, number));
    }
    this.plans.push({ job, record, replaced });
    return { kind: 'inserted', replaced };
  }

  #wait(queue: string, by: 1 | -1): void {
    this.#more.set(queue, (this.#more.get(queue) ?? 0) + by);
  }
}

function holder(stored: JobRecord, number: number): Holder<JobRecord> {
  const { id, createdAt, state } = stored;
  return { id, createdAt, number, state, stored };
}
