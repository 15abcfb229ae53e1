import type { Millis } from '@ojs-ts/core';
import { heartbeatEntry } from '@ojs-ts/core/events';
import { type JobId, State } from '@ojs-ts/core/job';
import { extended, isOwner, overdueAt } from '@ojs-ts/core/lifecycle';
import { readDirective, workerColumns } from '../rows.ts';
import type { Beaten, Registry, WorkerBeat } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import type { GroupCommit } from './disk/group-commit.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

export function workers(
  sql: Connection,
  store: GroupCommit,
): Pick<Registry, 'beat' | 'workers' | 'direct' | 'forgetWorker'> {
  return {
    beat: (beats, now) =>
      store.write((tx) => {
        const answers = beats.map((beat) => note(tx, beat, now));
        tx.end(now);
        return answers;
      }),

    workers: () =>
      store.read(() => {
        const workers = sql.all(workerColumns.from('ojs_workers'));
        return workers.toSorted((a, b) => (a.worker < b.worker ? -1 : 1));
      }),

    direct: (worker, directive) =>
      store.write(() => sql.run('UPDATE ojs_workers SET directive = ? WHERE worker = ?', directive, worker) === 1),

    forgetWorker: (worker) => store.write(() => sql.run('DELETE FROM ojs_workers WHERE worker = ?', worker) === 1),
  };
}

function note(tx: Transaction, beat: WorkerBeat, now: Millis): Beaten {
  const { worker, holds, info, leaseMs } = beat;
  const ids = holds === null || beat.partial ? null : JSON.stringify(holds.map(({ id }) => id));
  const directive = tx.sql.value(
    `INSERT INTO ojs_workers (worker, seen_at, state, info, holds) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (worker) DO UPDATE SET seen_before = min(seen_at, coalesce(?, seen_at)), seen_at = excluded.seen_at,
       state = excluded.state,
       info = excluded.info, held_before = holds, holds = excluded.holds
     RETURNING directive`,
    worker,
    now,
    beat.state,
    info,
    ids,
    beat.knownUntil ?? null,
  );
  const extendedIds: JobId[] = [];
  const lost: JobId[] = [];
  for (const { id, claim } of holds ?? []) {
    const owned = extend(tx, id, claim, worker, leaseMs, now);
    (owned ? extendedIds : lost).push(id);
  }
  return { directive: readDirective(directive), extended: extendedIds, lost };
}

/** False if the worker does not hold the job. */
function extend(
  tx: Transaction,
  id: JobId,
  claim: number | null,
  worker: string,
  leaseMs: number | null,
  now: Millis,
): boolean {
  const job = tx.sql.get(statements.heartbeat, id);
  if (job?.state !== State.active || !isOwner({ ...job, state: State.active }, { claim, worker })) return false;
  const leaseUntil = extended(job, leaseMs, now);
  const dueAt = overdueAt({ ...job, ...job.bounds, leaseUntil, beatAt: now });
  tx.sql.change(statements.extend, leaseUntil, dueAt, now, job.number);
  tx.log.add([heartbeatEntry({ ...job, id, worker }, leaseUntil)]);
  return true;
}
