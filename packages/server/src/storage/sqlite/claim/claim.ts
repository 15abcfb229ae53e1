import type { Millis } from '@ojs-ts/core';
import { ByteBudget, type JobRecord, queueLimitKey, State, sizeOf } from '@ojs-ts/core/job';
import {
  claimed,
  isClaimedBefore,
  isExpired,
  isShort,
  overdueAt,
  promoted,
  promotionEvent,
  type QueuePlace,
  requestKey,
  sideWork,
} from '@ojs-ts/core/lifecycle';
import { sumsOf } from '@ojs-ts/core/statistics';
import { text } from '../../cells.ts';
import type { Claim, Claimed, JobClaim, RepeatableFetch } from '../../storage.ts';
import type { Connection } from '../disk/connection.ts';
import { find } from '../insert.ts';
import type { LimitGroup } from '../limits/limit-groups.ts';
import { expire } from '../move.ts';
import { nodeText, type ReadyRow } from '../row.ts';
import { statements } from '../statements.ts';
import type { Transaction } from '../transaction.ts';
import { ReadyQueue } from './ready-queue.ts';

/**
 * The most that one call may do besides claiming: expired jobs that it discards, blocked limit groups that it looks at.
 */
interface Budget {
  expired: number;
  blockedGroups: number;
  /** The bytes of the jobs that it returns. */
  readonly bytes: ByteBudget;
}

const deferred: Claimed = { jobs: [], again: null, deferred: true };

/** One running claim of a batch. */
interface ClaimState {
  readonly tx: Transaction;
  readonly claim: Claim;
  readonly now: Millis;
  readonly budget: Budget;
  readonly taken: JobRecord[];
}

/** About 10 µs each. The claim closes each one, so the next claims do not read it again. */
const maxBlockedGroups = 500;
/** Rows of the first read where jobs of other ready queues may come in between. */
const fewRows = 4;

export function claim(
  tx: Transaction,
  claims: readonly Claim[],
  asked: Millis,
  maxBytes = Number.POSITIVE_INFINITY,
): readonly Claimed[] {
  // Another process may have started jobs while this one waited for the file; the starts that a rate counts must be in
  // the order of their times.
  const now = Math.max(asked, tx.sequences.lastStart);
  const bound = sideWork(claims);
  if (isShort(claims, (queue) => tx.counters.available(queue))) promote(tx, now, bound.promoted);
  tx.updateLimitGroups(now);
  const bytes = new ByteBudget(maxBytes);
  const budget = { expired: bound.expired, blockedGroups: maxBlockedGroups, bytes };
  const answers = claims.map((claim) =>
    bytes.isFull ? deferred : (repeat(tx, claim, bytes) ?? serve(tx, claim, now, budget)),
  );
  tx.end(now);
  return answers;
}

/** Returns the jobs that a request got before and still holds. */
function repeat(tx: Transaction, { request, worker }: Claim, bytes: ByteBudget): Claimed | null {
  const given = request === null ? null : claimsOf(tx.sql, { request, worker });
  if (given === null) return null;
  const held = given.flatMap(({ id, claim }) => {
    const job = find(tx.sql, id);
    return job?.state === State.active && job.claim === claim ? [job] : [];
  });
  for (const job of held) bytes.add(sizeOf(job));
  return { jobs: held, again: null };
}

function serve(tx: Transaction, claim: Claim, now: Millis, budget: Budget): Claimed {
  const jobs: JobRecord[] = [];
  const state = { tx, claim, now, budget, taken: jobs };
  for (const queue of claim.queues) {
    if (jobs.length >= claim.limit) break;
    claimFrom(state, queue);
  }
  // An empty answer is not remembered: a fetch that waits asks again under the same id.
  if (claim.request !== null && jobs.length > 0) {
    const claims = JSON.stringify(jobs.map((job) => [job.id, job.claim]));
    tx.sql.change(statements.remember, requestKey(claim.request, claim.worker), now, claims);
  }
  if (jobs.length === 0 && budget.bytes.isFull) return deferred;
  return { jobs, again: jobs.length < claim.limit ? again(tx, claim.queues, now) : null };
}

function claimFrom(state: ClaimState, queue: string): void {
  const { tx, claim, now, taken } = state;
  const counters = tx.counters.find(queue);
  if (!counters || counters.paused) return;
  const hasGroups = tx.counters.hasLimitGroups(queue);
  if (hasGroups) tx.limitGroups.reopenDue(queue, now, maxBlockedGroups);
  const unlimited = new ReadyQueue(tx.sql, counters.readyQueue, hasGroups ? fewRows : claim.limit - taken.length);
  for (let goesOn = true; goesOn && hasRoom(state, queue); ) {
    const row = unlimited.peek();
    const [group, other] = hasGroups ? tx.limitGroups.bestOpen(queue) : [];
    if (group && !(row && isClaimedBefore(row, group)))
      goesOn = claimFromGroup(state, group, first(row, other, tx.limitGroups.bestParked(group)));
    else goesOn = row !== undefined && takeUntil(state, unlimited, queue, group);
  }
}

function hasRoom({ tx, claim, now, budget, taken }: ClaimState, queue: string): boolean {
  return taken.length < claim.limit && !budget.bytes.isFull && tx.limits.queueClosedUntil(queue, now) === null;
}

function first(...heads: readonly (QueuePlace | undefined)[]): QueuePlace | undefined {
  return heads.reduce((best, head) => (head && !(best && isClaimedBefore(best, head)) ? head : best), undefined);
}

/** Takes jobs until `rival` comes before the next one. False if the claim must leave the queue. */
function takeUntil(
  state: ClaimState,
  jobs: ReadyQueue,
  queue: string,
  rival: QueuePlace | undefined,
  mayGoOn = () => true,
): boolean {
  for (let row = jobs.peek(); row; ) {
    if (!take(state, row)) return false;
    jobs.next();
    if (!hasRoom(state, queue) || !mayGoOn()) break;
    row = jobs.peek();
    if (row && rival && isClaimedBefore(rival, row)) break;
  }
  return true;
}

/** Starts the jobs of the group that the limits allow; closes a group whose key has closed. */
function claimFromGroup(state: ClaimState, group: LimitGroup, rival: QueuePlace | undefined): boolean {
  const { tx, now, budget } = state;
  const closed = tx.limitGroups.closing(group, now);
  if (closed) {
    tx.limitGroups.leave(group, group, closed, now);
    budget.blockedGroups -= 1;
    if (budget.blockedGroups <= 0) tx.woken.add(group.queue);
    return budget.blockedGroups > 0;
  }
  const jobs = new ReadyQueue(tx.sql, group.readyQueue, fewRows);
  const goesOn = takeUntil(state, jobs, group.queue, rival, () => tx.limitGroups.closing(group, now) === null);
  tx.limitGroups.leave(group, jobs.head(), tx.limitGroups.closing(group, now), now);
  return goesOn;
}

/**
 * Starts the job, or discards an expired one. False if the job does not fit any more, or the call has discarded its
 * share: then the queue is woken, so a fetch that waits asks again.
 */
function take({ tx, claim, now, budget, taken }: ClaimState, row: ReadyRow): boolean {
  const { number, limits, leftOut } = row;
  if (!isExpired(row.job, now) && !budget.bytes.take(leftOut ?? sizeOf(row.job))) return false;
  const job = leftOut === null ? row.job : whole(tx, row);
  const counted = { queue: job.queue, limits };
  if (isExpired(job, now)) {
    if (budget.expired === 0) {
      tx.woken.add(job.queue);
      return false;
    }
    budget.expired -= 1;
    expire(tx, job, now);
    return true;
  }
  const after = claimed(job, claim, now);
  const { leaseMs, leaseUntil, expiresAt, worker } = after;
  tx.sql.changeRow(
    statements.claim,
    number,
    after.claim,
    after.leaseRequired ? 1 : 0,
    after.attempt,
    overdueAt(after),
    now,
    worker,
    leaseMs,
    leaseUntil,
  );
  if (expiresAt !== job.expiresAt) tx.sql.change(statements.expireLater, expiresAt, number);
  tx.started(counted, now);
  tx.counters.addStatistics(job, sumsOf(job, after.state, now), now);
  tx.log.job('job.started', after, job.state);
  tx.claimedJobs.add(guardedOf(after, number, limits));
  taken.push(after);
  return true;
}

function whole(tx: Transaction, { number, job }: ReadyRow): JobRecord {
  const stored = tx.sql.get(statements.byNumber, number);
  if (!stored) {
    throw new Error(
      `SQLite: the job ${job.id} is in the ready queue, but its ` +
        `row is missing. The file may be damaged: run ojs doctor.`,
    );
  }
  // As in its ready queue: what was left of an earlier execution is no part of an available job.
  const { envelope, history, policy, result, checkpoint } = stored.job;
  return { ...job, envelope, history, policy, result, checkpoint };
}

function guardedOf(
  { id, type, queue, state, claim, leaseRequired, worker, attempt, startedAt, trace, enqueuedAt, node }: JobRecord,
  number: number,
  limits: string | null,
) {
  return {
    number,
    id,
    type,
    queue,
    state,
    claim,
    leaseRequired,
    worker,
    attempt,
    startedAt,
    trace,
    enqueuedAt,
    limits,
    node: node === null ? null : nodeText(node),
  };
}

/** When a rate next lets a job of these queues start; null if none holds any back. */
function again(tx: Transaction, queues: readonly string[], now: Millis): Millis | null {
  tx.updateLimitGroups(now);
  let first = Number.POSITIVE_INFINITY;
  for (const queue of queues) {
    if (tx.counters.find(queue)?.paused !== false) continue;
    const queueLimit = tx.counters.available(queue) > 0 ? tx.limits.reopensAt(queueLimitKey(queue), now) : null;
    first = Math.min(
      first,
      queueLimit ?? first,
      (tx.counters.hasLimitGroups(queue) ? tx.limitGroups.nextRateTimer(queue) : null) ?? first,
    );
  }
  return first === Number.POSITIVE_INFINITY ? null : first;
}

/** Makes up to `limit` due jobs available; discards those that have expired. Answers how many by queue. */
export function promote(tx: Transaction, now: Millis, limit: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const due = [State.scheduled, State.retryable].flatMap((state) => tx.sql.all(statements.due, state, now, limit));
  due.sort((a, b) => a.job.runAt - b.job.runAt || a.number - b.number);
  for (const { number, job, limits } of due.slice(0, limit)) {
    if (isExpired(job, now)) {
      expire(tx, job, now);
      continue;
    }
    const { queue } = job;
    const after = promoted(job, now);
    tx.sql.change(statements.promote, tx.enterReadyQueue({ queue, limits }), tx.sequences.place(), now, number);
    tx.left({ queue, limits }, job.state, now);
    tx.entered({ queue, limits }, after.state, now);
    tx.counters.addStatistics(job, sumsOf(job, after.state, now), now);
    tx.log.job(promotionEvent(job.state), after, job.state);
    counts.set(queue, (counts.get(queue) ?? 0) + 1);
  }
  return counts;
}

/** Returns the jobs of the fetch; null for an unknown one. */
export function claimsOf(sql: Connection, { request, worker }: RepeatableFetch): readonly JobClaim[] | null {
  const stored = sql.value(statements.request, requestKey(request, worker));
  if (stored === undefined) return null;
  const given: unknown = JSON.parse(text(stored));
  if (!Array.isArray(given)) throw new TypeError('SQLite: the claims of a request are not an array.');
  return given.map(([id, claim]) => ({ id: String(id), claim: Number(claim) }));
}
