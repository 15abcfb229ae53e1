import { type JobRecord, type Json, jobEventEntry, type Millis, State } from '@ojs-ts/core';
import { claimed, isExpired, overdueAt, promoted, requestKey, sideWork } from '../apply.ts';
import type { Claim } from '../storage.ts';
import { find } from './jobs.ts';
import { expire } from './move.ts';
import { type JobRow, readJob, text } from './row.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

export function claim(tx: Transaction, claims: readonly Claim[], now: Millis): readonly (readonly JobRecord[])[] {
  const entries: Json[] = [];
  const bound = sideWork(claims);
  promote(tx, now, bound.promoted, entries);
  const budget = { expired: bound.expired };
  const answers = claims.map((claim) => serve(tx, claim, now, budget, entries));
  tx.log(entries, now);
  return answers;
}

function serve(tx: Transaction, claim: Claim, now: Millis, budget: { expired: number }, entries: Json[]): readonly JobRecord[] {
  const before = claim.request === null ? undefined : tx.sql.get(statements.request, requestKey(claim.request, claim.worker));
  if (before) return stillHeld(tx, text(before[0]));
  const taken: JobRecord[] = [];
  for (const queue of claim.queues) {
    if (taken.length >= claim.limit) break;
    if (!tx.isPaused(queue)) takeFrom(tx, queue, claim, now, budget, taken, entries);
  }
  // An empty answer is not remembered: a fetch that waits asks again under the same id.
  if (claim.request !== null && taken.length > 0) {
    tx.sql.change(
      statements.remember,
      requestKey(claim.request, claim.worker),
      now,
      JSON.stringify(taken.map((job) => [job.id, job.claim])),
    );
  }
  return taken;
}

function takeFrom(
  tx: Transaction,
  queue: string,
  claim: Claim,
  now: Millis,
  budget: { expired: number },
  taken: JobRecord[],
  entries: Json[],
): void {
  while (taken.length < claim.limit) {
    const wanted = claim.limit - taken.length;
    const rows = tx.sql.all(statements.ready, queue, wanted);
    for (const cells of rows) {
      const row = readJob(cells);
      if (!isExpired(row.job, now)) {
        taken.push(take(tx, row, claim, now, entries));
        continue;
      }
      if (budget.expired === 0) {
        // The call's share of clearing is done; who waits is told to ask again.
        tx.woken.add(queue);
        return;
      }
      budget.expired -= 1;
      expire(tx, row.job, now, entries);
    }
    if (rows.length < wanted) return;
  }
}

function take(tx: Transaction, { number, job }: JobRow, claim: Claim, now: Millis, entries: Json[]): JobRecord {
  const after = claimed(job, claim, now);
  tx.sql.change(statements.claim, after.claim, after.attempt, overdueAt(after), now, after.worker, after.leaseMs, after.leaseUntil, number);
  tx.count(job.queue, State.available, -1, now);
  tx.count(job.queue, State.active, 1, now);
  entries.push(jobEventEntry('job.started', after));
  return after;
}

function stillHeld(tx: Transaction, claims: string): readonly JobRecord[] {
  const given: unknown = JSON.parse(claims);
  if (!Array.isArray(given)) throw new TypeError('SQLite: the claims of a request are not an array.');
  return given.flatMap(([id, number]) => {
    const job = find(tx.sql, String(id));
    return job?.state === State.active && job.claim === number ? [job] : [];
  });
}

/** Moves up to `limit` due jobs on: to `available`, or out where they have expired meanwhile. */
export function promote(tx: Transaction, now: Millis, limit: number, entries: Json[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const due = [State.scheduled, State.retryable].flatMap((state) => tx.sql.all(statements.due, state, now, limit).map(readJob));
  due.sort((a, b) => a.job.runAt - b.job.runAt || a.number - b.number);
  for (const { number, job } of due.slice(0, limit)) {
    if (isExpired(job, now)) {
      expire(tx, job, now, entries);
      continue;
    }
    tx.sql.change(statements.promote, tx.place(), now, number);
    tx.count(job.queue, job.state, -1, now);
    tx.count(job.queue, State.available, 1, now);
    tx.woken.add(job.queue);
    if (job.state === State.scheduled) entries.push(jobEventEntry('job.enqueued', promoted(job, now)));
    counts.set(job.queue, (counts.get(job.queue) ?? 0) + 1);
  }
  return counts;
}
