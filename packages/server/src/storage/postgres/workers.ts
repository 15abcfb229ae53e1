import { heartbeatEntry, type JobId, type Millis } from '@ojs-ts/core';
import { readWorker } from '../rows.ts';
import type { Beaten, Registry, WorkerBeat, WorkerRecord } from '../storage.ts';
import type { Database } from './connection.ts';
import { HeldJobs } from './held-jobs.ts';
import { isStorable } from './row.ts';
import type { Transaction } from './transaction.ts';

const columns = 'worker, seen_at, seen_before, state, directive, info, holds, held_before';

export function workers(database: Database): Pick<Registry, 'beat' | 'workers' | 'direct' | 'forgetWorker'> {
  return {
    beat: (beats, now) => database.transact(now, (tx) => beat(tx, beats, now)),

    async workers() {
      return (await database.read(`SELECT ${columns} FROM ojs.workers ORDER BY worker`)).map(readWorker);
    },

    async direct(worker, directive) {
      if (!isStorable(worker)) return false;
      const rows = await database.read('UPDATE ojs.workers SET directive = $2 WHERE worker = $1 RETURNING worker', [
        worker,
        directive,
      ]);
      return rows.length === 1;
    },

    async forgetWorker(worker) {
      if (!isStorable(worker)) return false;
      return (await database.read('DELETE FROM ojs.workers WHERE worker = $1 RETURNING worker', [worker])).length === 1;
    },
  };
}

/** Heartbeats in their order, a worker's own rows before the jobs: two who tell of the same worker take turns. */
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
  known: WorkerRecord | null,
  { worker, holds, partial, state, info }: WorkerBeat,
  now: Millis,
): WorkerRecord {
  return {
    worker,
    seenAt: now,
    seenBefore: known?.seenAt ?? null,
    state,
    directive: known?.directive ?? null,
    info,
    holds: partial ? null : (holds?.map(({ id }) => id) ?? null),
    heldBefore: known?.holds ?? null,
  };
}

async function lockWorkers(tx: Transaction, beats: readonly WorkerBeat[]): Promise<Map<string, WorkerRecord>> {
  const rows = await tx.query(
    `SELECT ${columns} FROM ojs.workers WHERE worker = ANY ($1::text[]) ORDER BY worker FOR UPDATE`,
    [[...new Set(beats.map(({ worker }) => worker))]],
  );
  return new Map(rows.map(readWorker).map((record) => [record.worker, record]));
}

function writeWorkers(tx: Transaction, records: readonly WorkerRecord[]): void {
  const sorted = [...records].sort((a, b) => (a.worker < b.worker ? -1 : 1));
  tx.write(
    `INSERT INTO ojs.workers (worker, seen_at, seen_before, state, info, holds, held_before)
     SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
     ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at, seen_before = excluded.seen_before, state = excluded.state, info = excluded.info,
       holds = excluded.holds, held_before = excluded.held_before`,
    [
      sorted.map(({ worker }) => worker),
      sorted.map(({ seenAt }) => seenAt),
      sorted.map(({ seenBefore }) => seenBefore),
      sorted.map(({ state }) => state),
      sorted.map(({ info }) => info),
      sorted.map(({ holds }) => idsText(holds)),
      sorted.map(({ heldBefore }) => idsText(heldBefore)),
    ],
  );
}

function idsText(ids: readonly JobId[] | null): string | null {
  return ids === null ? null : JSON.stringify(ids);
}
