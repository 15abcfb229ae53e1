import type { Millis } from '@ojs-ts/core';
import { type EventSubject, heartbeatEntry } from '@ojs-ts/core/events';
import { type JobId, State } from '@ojs-ts/core/job';
import { extended, isOwner, overdueAt } from '@ojs-ts/core/lifecycle';
import { flag, integer, integerOrNull, text, textOrNull } from '../../cells.ts';
import { columns } from '../../columns.ts';
import { workerColumns } from '../../rows.ts';
import type { Beaten, Registry, WorkerBeat, WorkerRecord } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { indexJoin, isStorable, numbers, uuids } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';

export function workers(database: Database): Pick<Registry, 'beat' | 'workers' | 'direct' | 'forgetWorker'> {
  return {
    beat: (beats, now) => database.transact(now, (tx) => beat(tx, beats, now)),

    workers: () => database.all(workerColumns.from('ojs.workers ORDER BY worker')),

    async direct(worker, directive) {
      if (!isStorable(worker)) return false;
      const rows = await database.query('UPDATE ojs.workers SET directive = $2 WHERE worker = $1 RETURNING worker', [
        worker,
        directive,
      ]);
      return rows.length === 1;
    },

    async forgetWorker(worker) {
      if (!isStorable(worker)) return false;
      return (
        (await database.query('DELETE FROM ojs.workers WHERE worker = $1 RETURNING worker', [worker])).length === 1
      );
    },
  };
}

/**
 * Applies heartbeats in their order. Workers are locked before jobs, so two calls for the same worker cannot deadlock.
 */
async function beat(tx: Transaction, beats: readonly WorkerBeat[], now: Millis): Promise<readonly Beaten[]> {
  const [workers, jobs] = await Promise.all([lockWorkers(tx, beats), HeldJobs.lock(tx, beats)]);
  const answers = beats.map((beat): Beaten => {
    const worker = noted(workers.get(beat.worker) ?? null, beat, now);
    workers.set(beat.worker, worker);
    const extended: JobId[] = [];
    const lost: JobId[] = [];
    for (const hold of beat.holds ?? []) {
      const job = jobs.extend(hold, beat.worker, beat.leaseMs, now);
      if (job) tx.log.add([heartbeatEntry(job, job.leaseUntil)]);
      (job ? extended : lost).push(hold.id);
    }
    return { directive: worker.directive, extended, lost };
  });
  writeWorkers(tx, [...workers.values()]);
  jobs.write();
  return answers;
}

function noted(
  previous: WorkerRecord | null,
  { worker, holds, partial, knownUntil, state, info }: WorkerBeat,
  now: Millis,
): WorkerRecord {
  return {
    worker,
    seenAt: now,
    seenBefore: previous ? Math.min(previous.seenAt, knownUntil ?? previous.seenAt) : null,
    state,
    directive: previous?.directive ?? null,
    info,
    holds: partial ? null : (holds?.map(({ id }) => id) ?? null),
    heldBefore: previous?.holds ?? null,
  };
}

async function lockWorkers(tx: Transaction, beats: readonly WorkerBeat[]): Promise<Map<string, WorkerRecord>> {
  const records = await tx.all(
    workerColumns.from('ojs.workers WHERE worker = ANY ($1::text[]) ORDER BY worker FOR UPDATE'),
    [[...new Set(beats.map(({ worker }) => worker))]],
  );
  return new Map(records.map((record) => [record.worker, record]));
}

function writeWorkers(tx: Transaction, records: readonly WorkerRecord[]): void {
  const sorted = [...records].sort((a, b) => (a.worker < b.worker ? -1 : 1));
  tx.write(
    `INSERT INTO ojs.workers (worker, seen_at, seen_before, state, info, holds, held_before)
     SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
     ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at, seen_before = excluded.seen_before,
       state = excluded.state, info = excluded.info,
       holds = excluded.holds, held_before = excluded.held_before`,
    [
      sorted.map(({ worker }) => worker),
      sorted.map(({ seenAt }) => seenAt),
      sorted.map(({ seenBefore }) => seenBefore),
      sorted.map(({ state }) => state),
      sorted.map(({ info }) => info),
      sorted.map(({ holds }) => idsJson(holds)),
      sorted.map(({ heldBefore }) => idsJson(heldBefore)),
    ],
  );
}

function idsJson(ids: readonly JobId[] | null): string | null {
  return ids === null ? null : JSON.stringify(ids);
}

const lockHeld = columns({
  id: ['active.id', text],
  queue: ['active.queue', text],
  type: ['active.type', text],
  trace: ['active.trace', textOrNull],
  attempt: integer,
  claim: integer,
  leaseRequired: flag,
  worker: textOrNull,
  startedAt: integerOrNull,
  leaseMs: integer,
  leaseUntil: integer,
  timeoutMs: integer,
  heartbeatMs: integer,
  deadlineAt: integerOrNull,
}).from(`ojs.active JOIN ojs.jobs AS job ON ${indexJoin('job.id', 'active.id')} WHERE active.id = ANY ($1::uuid[])
  ORDER BY active.id FOR NO KEY UPDATE OF active`);
const extend = `UPDATE ojs.active SET lease_until = changed.lease_until, due_at = changed.due_at,
  beat_at = changed.beat_at
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS changed (id, lease_until, due_at, beat_at)
  WHERE ${indexJoin('active.id', 'changed.id')}`;

type HeldJob = ReturnType<typeof lockHeld.read> & { readonly state: State; readonly beatAt: Millis | null };

/** The active jobs that heartbeats name, locked, and the extensions of their leases. */
class HeldJobs {
  readonly #tx: Transaction;
  readonly #jobs: Map<JobId, HeldJob>;
  readonly #extended = new Set<JobId>();

  private constructor(tx: Transaction, jobs: Map<JobId, HeldJob>) {
    this.#tx = tx;
    this.#jobs = jobs;
  }

  static async lock(tx: Transaction, beats: readonly WorkerBeat[]): Promise<HeldJobs> {
    const ids = new Set(beats.flatMap(({ holds }) => holds?.map(({ id }) => id) ?? []));
    if (ids.size === 0) return new HeldJobs(tx, new Map());
    const rows = await tx.all(lockHeld, [uuids([...ids])]);
    return new HeldJobs(tx, new Map(rows.map((job) => [job.id, { ...job, state: State.active, beatAt: null }])));
  }

  /** Extends the lease; null if the worker does not hold the job. */
  extend(
    { id, claim }: NonNullable<WorkerBeat['holds']>[number],
    worker: string,
    leaseMs: number | null,
    now: Millis,
  ): (EventSubject & { readonly leaseUntil: Millis }) | null {
    const job = this.#jobs.get(id);
    if (job === undefined || !isOwner(job, { claim, worker })) return null;
    const leaseUntil = extended(job, leaseMs, now);
    this.#jobs.set(id, { ...job, leaseUntil, beatAt: now });
    this.#extended.add(id);
    return { ...job, worker, leaseUntil };
  }

  write(): void {
    const jobs = [...this.#extended].flatMap((id) => this.#jobs.get(id) ?? []);
    if (jobs.length === 0) return;
    this.#tx.write(extend, [
      uuids(jobs.map(({ id }) => id)),
      numbers(jobs.map(({ leaseUntil }) => leaseUntil)),
      numbers(jobs.map(overdueAt)),
      numbers(jobs.map(({ beatAt }) => beatAt)),
    ]);
  }
}
