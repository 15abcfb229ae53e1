import type { Millis } from '@ojs-ts/core';
import { ByteBudget, type JobRecord, State, sizeOf } from '@ojs-ts/core/job';
import {
  type ClaimTerms,
  claimed,
  isExpired,
  isShort,
  promoted,
  promotionEvent,
  requestKey,
  sideWork,
} from '@ojs-ts/core/lifecycle';
import { sumsOf } from '@ojs-ts/core/statistics';
import type { Claim, Claimed } from '../store/jobs.ts';
import type { Change } from './change.ts';
import type { Limit } from './limits.ts';
import { expire } from './move.ts';
import type { Queue, Row, Tables } from './tables.ts';

/** The values that the claims of one call share. */
interface Budget {
  expired: number;
  readonly bytes: ByteBudget;
}

const deferred: Claimed = { jobs: [], again: null, deferred: true };

export function claim(tables: Tables, claims: readonly Claim[], change: Change, maxBytes: number): readonly Claimed[] {
  const bound = sideWork(claims);
  const available = (queue: string) => tables.queues.get(queue)?.count(State.available) ?? 0;
  if (isShort(claims, available)) promote(tables, bound.promoted, change);
  const budget = { expired: bound.expired, bytes: new ByteBudget(maxBytes) };
  return claims.map((claim) =>
    budget.bytes.isFull ? deferred : (repeat(tables, claim, budget) ?? serve(tables, claim, budget, change)),
  );
}

/** Returns the jobs that a request got before and still holds. */
function repeat(tables: Tables, { request, worker }: Claim, { bytes }: Budget): Claimed | null {
  const before = request === null ? undefined : tables.requests.get(requestKey(request, worker));
  if (!before) return null;
  const held = before.claims.flatMap(({ id, claim }) => {
    const job = tables.rows.get(id)?.job;
    return job?.state === State.active && job.claim === claim ? [job] : [];
  });
  for (const job of held) bytes.add(sizeOf(job));
  return { jobs: held, again: null };
}

function serve(tables: Tables, claim: Claim, budget: Budget, change: Change): Claimed {
  const { now } = change;
  const queues = claim.queues.flatMap((name) => tables.queues.get(name) ?? []).filter(({ paused }) => !paused);
  const jobs: JobRecord[] = [];
  for (const queue of queues) {
    const queueLimit = tables.queueLimit(queue);
    while (jobs.length < claim.limit && !budget.bytes.isFull) {
      const row = nextOf(queue, queueLimit, now);
      if (!row) break;
      if (!isExpired(row.job, now)) {
        if (budget.bytes.take(sizeOf(row.job))) jobs.push(start(tables, row, claim, change));
      } else if (budget.expired > 0) {
        budget.expired -= 1;
        expire(tables, row, change);
      } else {
        // The call has discarded its share; a fetch that waits asks again.
        tables.wakes.wake(queue.name);
        break;
      }
    }
  }
  // An empty answer is not remembered: a fetch that waits asks again under the same id.
  if (claim.request !== null && jobs.length > 0) {
    const claims = jobs.map(({ id, claim }) => ({ id, claim }));
    tables.requests.set(requestKey(claim.request, claim.worker), { at: now, claims });
  }
  if (jobs.length === 0 && budget.bytes.isFull) return deferred;
  return { jobs, again: jobs.length < claim.limit ? again(tables, queues, now) : null };
}

/** The job that starts next under the limits; undefined where none may. */
function nextOf(queue: Queue, queueLimit: Limit | undefined, now: Millis): Row | undefined {
  return (queueLimit?.hasRoom(now, queue.count(State.active)) ?? true) ? queue.limitGroups.next(now) : undefined;
}

/** The next job of each of the queues that are not paused, by priority and age. */
export function nextOfEach(tables: Tables, queues: Iterable<Queue>, now: Millis): Row[] {
  const at = Math.max(now, tables.lastStart);
  const rows = [...queues].flatMap((queue) =>
    queue.paused ? [] : (nextOf(queue, tables.queueLimit(queue), at) ?? []),
  );
  return rows.sort((a, b) => b.job.priority - a.job.priority || a.order - b.order);
}

/** Starts a job that waits, due or not, whatever its limits allow. */
export function startNow(tables: Tables, row: Row, terms: ClaimTerms, change: Change): JobRecord {
  if (row.job.state !== State.available) makeAvailable(tables, row, change);
  return start(tables, row, terms, change);
}

function start(tables: Tables, row: Row, claim: ClaimTerms, change: Change): JobRecord {
  const { job } = row;
  const after = claimed(job, claim, change.now);
  tables.set(row, after, change.now);
  tables.statistics.add(job, sumsOf(job, after.state, change.now), change.now);
  change.log('job.started', after, job.state);
  return after;
}

function again(tables: Tables, queues: readonly Queue[], now: Millis): Millis | null {
  const times = queues.flatMap((queue) => {
    const queueLimit = queue.count(State.available) > 0 ? tables.queueLimit(queue)?.reopensAt(now) : null;
    return [queueLimit ?? Number.POSITIVE_INFINITY, queue.limitGroups.again(now) ?? Number.POSITIVE_INFINITY];
  });
  const first = Math.min(...times);
  return first === Number.POSITIVE_INFINITY ? null : first;
}

/** Makes up to `limit` due jobs available; discards those that have expired. Answers how many by queue. */
export function promote(tables: Tables, limit: number, change: Change): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let left = limit; left > 0; left--) {
    const row = tables.nextDue(change.now);
    if (!row) break;
    const { job } = row;
    if (isExpired(job, change.now)) {
      expire(tables, row, change);
      continue;
    }
    makeAvailable(tables, row, change);
    counts.set(job.queue, (counts.get(job.queue) ?? 0) + 1);
  }
  return counts;
}

function makeAvailable(tables: Tables, row: Row, change: Change): void {
  const { job } = row;
  const after = promoted(job, change.now);
  tables.set(row, after, change.now);
  tables.statistics.add(job, sumsOf(job, after.state, change.now), change.now);
  change.log(promotionEvent(job.state), after, job.state);
}
