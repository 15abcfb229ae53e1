import { creationEvent, type JobRecord, type Json, jobEventEntry, type Millis, type NewJob, recordOf, State } from '@ojs-ts/core';
import { groupVerdict, isIn } from '../apply.ts';
import type { Inserted, Jobs } from '../storage.ts';
import { claim } from './claim.ts';
import type { Connection } from './connection.ts';
import { list } from './list.ts';
import { move } from './move.ts';
import { integer, readJob, state, text } from './row.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';
import type { Writer } from './writer.ts';

export function jobs(sql: Connection, writer: Writer): Jobs {
  return {
    insert: (groups, now) =>
      writer.write((tx) => {
        const entries: Json[] = [];
        const answers = groups.map((group) => insertGroup(tx, group, now, entries));
        tx.log(entries, now);
        return answers;
      }),

    claim: (claims, now) => writer.write((tx) => claim(tx, claims, now)),

    transition: (transitions, now) =>
      writer.write((tx) => {
        const entries: Json[] = [];
        const answers = transitions.map((transition) => move(tx, transition, now, entries));
        tx.log(entries, now);
        return answers;
      }),

    get: (ids) => writer.read(() => ids.map((id) => find(sql, id))),

    list: (query) => writer.read(() => list(sql, query)),

    remove: (ids, { from, deadLetter }) =>
      writer.write((tx) =>
        ids.map((id) => {
          const cells = sql.get(statements.forRemoval, id);
          if (!cells) return false;
          const listed = cells[3] !== 0;
          const was = state(cells[1]);
          if (!isIn(was, from) || (deadLetter && !listed)) return false;
          drop(tx, integer(cells[0]), was, text(cells[2]), listed);
          return true;
        }),
      ),
  };
}

export function find(sql: Connection, id: string): JobRecord | null {
  const cells = sql.get(statements.byId, id);
  return cells ? readJob(cells).job : null;
}

export function drop(tx: Transaction, number: number, was: State, queue: string, listed: boolean): void {
  tx.sql.run(statements.remove, number);
  tx.count(queue, was, -1, 0);
  if (listed) tx.countDeadLetter(queue, -1, 0);
}

/**
 * Inserts first and asks later: an id that is there makes no row, which says so. What a group inserted before it met its refusal is taken back,
 * so nothing of it is seen.
 */
function insertGroup(tx: Transaction, group: readonly NewJob[], now: Millis, entries: Json[]): readonly Inserted[] {
  const answers: Inserted[] = [];
  const fresh: JobRecord[] = [];
  for (const job of group) {
    const record = recordOf(job);
    if (insertRow(tx, record)) {
      fresh.push(record);
      answers.push({ kind: 'inserted' });
      continue;
    }
    const there = find(tx.sql, job.id);
    if (!there) throw new Error(`Job ${job.id} could not be inserted.`);
    const same = there.envelope === job.envelope && there.queue === job.queue && there.type === job.type;
    answers.push(same ? { kind: 'already', job: there } : { kind: 'duplicate', existing: there });
  }
  const settled = groupVerdict(answers);
  if (settled.some(({ kind }) => kind !== 'inserted')) {
    for (const { id } of fresh) tx.sql.run('DELETE FROM ojs_jobs WHERE id = ?', id);
    return settled;
  }
  for (const record of fresh) {
    tx.count(record.queue, record.state, 1, now);
    if (record.state === State.available) tx.woken.add(record.queue);
    const kind = creationEvent(record.state);
    if (kind) entries.push(jobEventEntry(kind, record));
  }
  return answers;
}

function insertRow(tx: Transaction, job: JobRecord): boolean {
  const changes = tx.sql.run(
    statements.insert,
    job.state,
    job.priority,
    job.state === State.available ? tx.place() : null,
    job.state === State.available ? null : job.runAt,
    job.runAt,
    job.enqueuedAt,
    job.timeoutMs,
    job.visibilityMs,
    job.expiresAt,
    job.createdAt,
    job.id,
    job.queue,
    job.type,
    job.trace,
    job.policy,
    job.envelope,
  );
  return changes === 1;
}
