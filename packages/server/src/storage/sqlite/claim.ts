import {
  claimed,
  isClaimedBefore,
  isExpired,
  type JobRecord,
  type Millis,
  overdueAt,
  promoted,
  promotionEvent,
  queueLimitKey,
  requestKey,
  State,
  sideWork,
  sumsOf,
} from '@ojs-ts/core';
import type { Claim, Claimed } from '../storage.ts';
import { find } from './insert.ts';
import type { Head, Lane } from './lanes.ts';
import { Line } from './line.ts';
import { expire } from './move.ts';
import { type JobRow, nodeText, readJob, text } from './row.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

/** What one call may do besides handing out: expired jobs to discard, lanes to look at in vain. */
interface Budget {
  expired: number;
  lanes: number;
}

interface Round {
  readonly tx: Transaction;
  readonly claim: Claim;
  readonly now: Millis;
  readonly budget: Budget;
  readonly taken: JobRecord[];
}

/** Lanes to look at in vain in one call, about 10 µs each. Each is parked by it, so a key that closes costs so many only where others kept its lanes apart. */
const fruitlessLanes = 500;
/** Rows read at first of a line that has rivals. */
const fewRows = 4;

export function claim(tx: Transaction, claims: readonly Claim[], asked: Millis): readonly Claimed[] {
  // Another process may have started jobs while this one waited for the file: starts that a rate counts are in the order of their times.
  const now = Math.max(asked, tx.numbers.lastStart);
  const bound = sideWork(claims);
  promote(tx, now, bound.promoted);
  tx.settle(now);
  const budget = { expired: bound.expired, lanes: fruitlessLanes };
  const answers = claims.map((claim) => repeat(tx, claim) ?? serve(tx, claim, now, budget));
  tx.end(now);
  return answers;
}

/** What a request that was answered before still holds. */
function repeat(tx: Transaction, { request, worker }: Claim): Claimed | null {
  const before = request === null ? undefined : tx.sql.get(statements.request, requestKey(request, worker));
  if (!before) return null;
  const given: unknown = JSON.parse(text(before[0]));
  if (!Array.isArray(given)) throw new TypeError('SQLite: the claims of a request are not an array.');
  const held = given.flatMap(([id, number]) => {
    const job = find(tx.sql, String(id));
    return job?.state === State.active && job.claim === number ? [job] : [];
  });
  return { jobs: held, again: null };
}

function serve(tx: Transaction, claim: Claim, now: Millis, budget: Budget): Claimed {
  const jobs: JobRecord[] = [];
  const round = { tx, claim, now, budget, taken: jobs };
  for (const queue of claim.queues) {
    if (jobs.length >= claim.limit) break;
    takeFrom(round, queue);
  }
  // An empty answer is not remembered: a fetch that waits asks again under the same id.
  if (claim.request !== null && jobs.length > 0) {
    const claims = JSON.stringify(jobs.map((job) => [job.id, job.claim]));
    tx.sql.change(statements.remember, requestKey(claim.request, claim.worker), now, claims);
  }
  return { jobs, again: jobs.length < claim.limit ? again(tx, claim.queues, now) : null };
}

function takeFrom(round: Round, queue: string): void {
  const { tx, claim, now, taken } = round;
  const known = tx.counts.find(queue);
  if (!known || known.paused) return;
  const hasLanes = tx.counts.hasLanes(queue);
  if (hasLanes) tx.lanes.wakeUp(queue, now, fruitlessLanes);
  const plain = new Line(tx.sql, known.line, hasLanes ? fewRows : claim.limit - taken.length);
  for (let goesOn = true; goesOn && hasRoom(round, queue); ) {
    const row = plain.peek();
    const [lane, other] = hasLanes ? tx.lanes.best(queue) : [];
    if (lane && !(row && isClaimedBefore(row, lane)))
      goesOn = visit(round, lane, best(row, other, tx.lanes.next(lane)));
    else goesOn = row !== undefined && takeRun(round, plain, queue, lane);
  }
}

function hasRoom({ tx, claim, now, taken }: Round, queue: string): boolean {
  return taken.length < claim.limit && tx.limits.queueClosedUntil(queue, now) === null;
}

function best(...heads: readonly (Head | undefined)[]): Head | undefined {
  return heads.reduce((best, head) => (head && !(best && isClaimedBefore(best, head)) ? head : best), undefined);
}

/** Takes from the front of a line until the rival is before it. False where the queue is to be left. */
function takeRun(round: Round, line: Line, queue: string, rival: Head | undefined, mayGoOn = () => true): boolean {
  for (let row = line.peek(); row; ) {
    if (!take(round, row)) return false;
    line.next();
    if (!hasRoom(round, queue) || !mayGoOn()) break;
    row = line.peek();
    if (row && rival && isClaimedBefore(rival, row)) break;
  }
  return true;
}

/** Takes what the lane lets go; a lane that a key has closed is parked. */
function visit(round: Round, lane: Lane, rival: Head | undefined): boolean {
  const { tx, now, budget } = round;
  const closed = tx.lanes.closing(lane, now);
  if (closed) {
    tx.lanes.leave(lane, lane, closed, now);
    budget.lanes -= 1;
    if (budget.lanes <= 0) tx.woken.add(lane.queue);
    return budget.lanes > 0;
  }
  const line = new Line(tx.sql, lane.line, fewRows);
  const goesOn = takeRun(round, line, lane.queue, rival, () => tx.lanes.closing(lane, now) === null);
  tx.lanes.leave(lane, line.head(), tx.lanes.closing(lane, now), now);
  return goesOn;
}

/** Starts the job, or discards it where it has expired. False where the call's share of clearing is done: who waits is told to ask again. */
function take({ tx, claim, now, budget, taken }: Round, { number, job, limits }: JobRow): boolean {
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
    after.attempt,
    overdueAt(after),
    now,
    worker,
    leaseMs,
    leaseUntil,
  );
  if (expiresAt !== job.expiresAt) tx.sql.change(statements.expireLater, expiresAt, number);
  tx.started(counted, now);
  tx.counts.sum(job.queue, sumsOf(job, after.state, now), now);
  tx.log.job('job.started', after, job.state);
  tx.active.add(guardedOf(after, number, limits));
  taken.push(after);
  return true;
}

function guardedOf(
  { id, type, queue, state, claim, worker, attempt, startedAt, trace, enqueuedAt, node }: JobRecord,
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
    worker,
    attempt,
    startedAt,
    trace,
    enqueuedAt,
    limits,
    node: node === null ? null : nodeText(node),
  };
}

/** When a rate that holds back jobs of these queues lets one start. */
function again(tx: Transaction, queues: readonly string[], now: Millis): Millis | null {
  tx.settle(now);
  let first = Number.POSITIVE_INFINITY;
  for (const queue of queues) {
    if (tx.counts.find(queue)?.paused !== false) continue;
    const gate = tx.counts.available(queue) > 0 ? tx.limits.reopensAt(queueLimitKey(queue), now) : null;
    first = Math.min(first, gate ?? first, (tx.counts.hasLanes(queue) ? tx.lanes.nextAlarm(queue) : null) ?? first);
  }
  return first === Number.POSITIVE_INFINITY ? null : first;
}

/** Moves up to `limit` due jobs on: to `available`, or out where they have expired meanwhile. */
export function promote(tx: Transaction, now: Millis, limit: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const due = [State.scheduled, State.retryable].flatMap((state) =>
    tx.sql.all(statements.due, state, now, limit).map(readJob),
  );
  due.sort((a, b) => a.job.runAt - b.job.runAt || a.number - b.number);
  for (const { number, job, limits } of due.slice(0, limit)) {
    if (isExpired(job, now)) {
      expire(tx, job, now);
      continue;
    }
    const { queue } = job;
    const after = promoted(job, now);
    tx.sql.change(statements.promote, tx.enterLine({ queue, limits }), tx.numbers.place(), now, number);
    tx.left({ queue, limits }, job.state, now);
    tx.entered({ queue, limits }, after.state, now);
    tx.counts.sum(queue, sumsOf(job, after.state, now), now);
    tx.log.job(promotionEvent(job.state), after, job.state);
    counts.set(queue, (counts.get(queue) ?? 0) + 1);
  }
  return counts;
}
