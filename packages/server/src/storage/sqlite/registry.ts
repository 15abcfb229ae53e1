import { heartbeatEntry, type JobId, type Json, type Millis, queueEventEntry, State, stateNames } from '@ojs-ts/core';
import { extended, overdueAt } from '../apply.ts';
import type { Beaten, Directive, QueueRecord, Registry, WorkerBeat, WorkerRecord } from '../storage.ts';
import type { Connection } from './connection.ts';
import { type Cells, integer, integerOrNull, state, text, textOrNull } from './row.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';
import type { Writer } from './writer.ts';

const states = Object.values(State);
const queueColumns = `name, created_at, paused, dead_letter, ${stateNames(0xff).join(', ')}`;
const workerColumns = 'worker, seen_at, seen_before, state, directive, info, holds, held_before';

export function registry(sql: Connection, writer: Writer): Registry {
  return {
    queues: () => writer.read(() => sql.all(`SELECT ${queueColumns} FROM ojs_queues ORDER BY name`).map(readQueue)),

    pauseQueue: (name, paused, now) => writer.write((tx) => pauseQueue(tx, name, paused, now)),

    beat: (beats, now) =>
      writer.write((tx) => {
        const entries: Json[] = [];
        const answers = beats.map((beat) => note(tx, beat, now, entries));
        tx.log(entries, now);
        return answers;
      }),

    workers: () =>
      writer.read(() => {
        const workers = sql.all(`SELECT ${workerColumns} FROM ojs_workers`).map(readWorker);
        return workers.sort((a, b) => (a.worker < b.worker ? -1 : 1));
      }),

    direct: (worker, directive) =>
      writer.write(() => sql.run('UPDATE ojs_workers SET directive = ? WHERE worker = ?', directive, worker) === 1),

    forgetWorker: (worker) => writer.write(() => sql.run('DELETE FROM ojs_workers WHERE worker = ?', worker) === 1),
  };
}

function pauseQueue(tx: Transaction, name: string, paused: boolean, now: Millis): QueueRecord {
  // The answer has the counts, so those that this transaction has gathered so far must stand in the row.
  tx.flush();
  tx.sql.run('INSERT INTO ojs_queues (name, created_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING', name, now);
  const flag = paused ? 1 : 0;
  if (tx.sql.run('UPDATE ojs_queues SET paused = ? WHERE name = ? AND paused <> ?', flag, name, flag) === 1) {
    tx.log([queueEventEntry(paused ? 'queue.paused' : 'queue.resumed', name)], now);
    tx.forgetPaused();
    if (!paused) tx.woken.add(name);
  }
  const cells = tx.sql.get(`SELECT ${queueColumns} FROM ojs_queues WHERE name = ?`, name);
  if (!cells) throw new Error(`Queue ${name} vanished within a transaction.`);
  return readQueue(cells);
}

function note(tx: Transaction, beat: WorkerBeat, now: Millis, entries: Json[]): Beaten {
  const { worker, holds, info, leaseMs } = beat;
  const ids = holds === null || beat.partial ? null : JSON.stringify(holds.map(({ id }) => id));
  const cells = tx.sql.get(
    `INSERT INTO ojs_workers (worker, seen_at, state, info, holds) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (worker) DO UPDATE SET seen_before = seen_at, seen_at = excluded.seen_at, state = excluded.state, info = excluded.info,
       held_before = holds, holds = excluded.holds
     RETURNING directive`,
    worker,
    now,
    beat.state,
    info,
    ids,
  );
  const extendedIds: JobId[] = [];
  const lost: JobId[] = [];
  for (const { id, claim } of holds ?? []) {
    const entry = extend(tx, id, claim, worker, leaseMs, now);
    (entry === null ? lost : extendedIds).push(id);
    if (entry !== null) entries.push(entry);
  }
  return { directive: directive(textOrNull(cells?.[0])), extended: extendedIds, lost };
}

/** Answers the event of an extended lease; null where the job is not this worker's. */
function extend(tx: Transaction, id: JobId, claim: number | null, worker: string, leaseMs: number | null, now: Millis): Json | null {
  const cells = tx.sql.get(statements.beaten, id);
  if (!cells || state(cells[1]) !== State.active) return null;
  const holder = textOrNull(cells[3]);
  if ((holder !== null && holder !== worker) || (claim !== null && claim !== integer(cells[2]))) return null;
  const leaseUntil = extended({ leaseMs: integerOrNull(cells[4]), leaseUntil: integerOrNull(cells[5]) }, leaseMs, now);
  const startedAt = integerOrNull(cells[6]);
  const dueAt = overdueAt({ leaseUntil, startedAt, timeoutMs: integer(cells[7]) });
  tx.sql.change(statements.extend, leaseUntil, dueAt, integer(cells[0]));
  const [type, queue] = [text(cells[8]), text(cells[9])];
  const job = { id, type, queue, state: State.active, attempt: integer(cells[10]), worker, startedAt, trace: textOrNull(cells[11]) };
  return heartbeatEntry(job, leaseUntil);
}

function readQueue(cells: Cells): QueueRecord {
  const counts: Partial<Record<State, number>> = {};
  states.forEach((bit, index) => {
    const count = integer(cells[4 + index]);
    if (count > 0) counts[bit] = count;
  });
  return { name: text(cells[0]), createdAt: integer(cells[1]), paused: cells[2] === 1, counts, deadLetter: integer(cells[3]) };
}

function readWorker(cells: Cells): WorkerRecord {
  return {
    worker: text(cells[0]),
    seenAt: integer(cells[1]),
    seenBefore: integerOrNull(cells[2]),
    state: directive(text(cells[3])) ?? 'running',
    directive: directive(textOrNull(cells[4])),
    info: text(cells[5]),
    holds: readIds(textOrNull(cells[6])),
    heldBefore: readIds(textOrNull(cells[7])),
  };
}

function directive(word: string | null): Directive | null {
  if (word === null || word === 'running' || word === 'quiet' || word === 'terminate') return word;
  throw new TypeError(`SQLite: '${word}' is no state of a worker.`);
}

function readIds(json: string | null): readonly JobId[] | null {
  if (json === null) return null;
  const ids: unknown = JSON.parse(json);
  if (Array.isArray(ids)) return ids.map(String);
  throw new TypeError('SQLite: the jobs of a worker are not an array.');
}
