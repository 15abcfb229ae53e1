import type { Millis } from '@ojs-ts/core';
import { heartbeatEntry } from '@ojs-ts/core/events';
import { type JobId, State } from '@ojs-ts/core/job';
import { extended, isOwner, overdueAt } from '@ojs-ts/core/lifecycle';
import { readDirective, readWorker, workerColumns } from '../rows.ts';
import type { Beaten, Registry, WorkerBeat } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import type { GroupCommit } from './disk/group-commit.ts';
import { integer, integerOrNull, readBounds, state, text, textOrNull } from './row.ts';
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
        const workers = sql.all(`SELECT ${workerColumns} FROM ojs_workers`).map(readWorker);
        return workers.sort((a, b) => (a.worker < b.worker ? -1 : 1));
      }),

    direct: (worker, directive) =>
      store.write(() => sql.run('UPDATE ojs_workers SET directive = ? WHERE worker = ?', directive, worker) === 1),

    forgetWorker: (worker) => store.write(() => sql.run('DELETE FROM ojs_workers WHERE worker = ?', worker) === 1),
  };
}

function note(tx: Transaction, beat: WorkerBeat, now: Millis): Beaten {
  const { worker, holds, info, leaseMs } = beat;
  const ids = holds === null || beat.partial ? null : JSON.stringify(holds.map(({ id }) => id));
  const cells = tx.sql.get(
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
  return { directive: readDirective(cells?.[0]), extended: extendedIds, lost };
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
  const cells = tx.sql.get(statements.heartbeat, id);
  if (!cells || state(cells[1]) !== State.active) return false;
  const held = {
    state: State.active,
    claim: integer(cells[2]),
    leaseRequired: cells[13] !== 0,
    worker: textOrNull(cells[3]),
  };
  if (!isOwner(held, { claim, worker })) return false;
  const leaseUntil = extended({ leaseMs: integerOrNull(cells[4]), leaseUntil: integerOrNull(cells[5]) }, leaseMs, now);
  const startedAt = integerOrNull(cells[6]);
  const dueAt = overdueAt({
    leaseUntil,
    startedAt,
    timeoutMs: integer(cells[7]),
    beatAt: now,
    ...readBounds(cells[12]),
  });
  tx.sql.change(statements.extend, leaseUntil, dueAt, now, integer(cells[0]));
  const [type, queue] = [text(cells[8]), text(cells[9])];
  const job = {
    id,
    type,
    queue,
    state: State.active,
    attempt: integer(cells[10]),
    worker,
    startedAt,
    trace: textOrNull(cells[11]),
  };
  tx.log.add([heartbeatEntry(job, leaseUntil)]);
  return true;
}
