import { claimed, isExpired, type JobRecord, type Millis, sumsOf } from '@ojs-ts/core';
import type { Claim } from '../storage.ts';
import { numbers, texts } from './arrays.ts';
import { type Changes, dueAt } from './changes.ts';
import { expired } from './expire.ts';
import type { Held } from './held.ts';
import { joined } from './joined.ts';
import type { Transaction } from './transaction.ts';

const start = `UPDATE ojs.jobs AS job SET state = 8, place = NULL, beat_at = NULL, progress = NULL, started_at = $1, claim = started.claim, attempt = started.attempt,
    due_at = started.due_at, worker = started.worker, lease_ms = started.lease_ms, lease_until = started.lease_until, expires_at = started.expires_at
  FROM unnest($2::uuid[], $3::integer[], $4::integer[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[])
    AS started (id, claim, attempt, due_at, worker, lease_ms, lease_until, expires_at) WHERE ${joined('job.id', 'started.id')}`;

/** What one claim gets of a run of claims. */
interface Hand {
  readonly claim: Claim;
  readonly jobs: JobRecord[];
}

/** Claims that are served in their order, as jobs come. */
export class Dealt {
  readonly hands: readonly Hand[];
  /** How many jobs are still asked for. */
  wanted: number;
  #at = 0;

  constructor(claims: readonly Claim[]) {
    this.hands = claims.map((claim) => ({ claim, jobs: [] }));
    this.wanted = claims.reduce((sum, { limit }) => sum + Math.max(0, limit), 0);
  }

  /** The hand that the next job goes to; only while one is wanted. */
  next(): Hand {
    for (; ; this.#at++) {
      const hand = this.hands[this.#at];
      if (!hand) throw new Error('More jobs were taken than were asked for.');
      if (hand.jobs.length < hand.claim.limit) return hand;
    }
  }
}

/** One call of claim: what it has started, and what it may do besides. */
export class Round {
  readonly tx: Transaction;
  readonly changes: Changes;
  readonly now: Millis;
  /** Expired jobs that may still be discarded. */
  #expired: number;
  #started: JobRecord[] = [];

  constructor(tx: Transaction, changes: Changes, now: Millis, expired: number) {
    this.tx = tx;
    this.changes = changes;
    this.now = now;
    this.#expired = expired;
  }

  deal(claims: readonly Claim[]): Dealt {
    return new Dealt(claims);
  }

  /** Starts the job, or discards it where it has expired. False where the call's share of clearing is done: who waits is told to ask again. */
  take(dealt: Dealt, held: Held<JobRecord>): 'started' | 'expired' | 'refused' {
    const { tx, now } = this;
    const { job } = held;
    if (isExpired(job, now)) {
      if (this.#expired === 0) {
        tx.woken.add(job.queue);
        return 'refused';
      }
      this.#expired -= 1;
      expired(this.changes, held, now);
      return 'expired';
    }
    const hand = dealt.next();
    const after = claimed(job, hand.claim, now);
    hand.jobs.push(after);
    dealt.wanted -= 1;
    this.#started.push(after);
    tx.counts.add(job.queue, job.state, -1);
    tx.counts.add(job.queue, after.state, 1);
    tx.counts.sum(job.queue, sumsOf(job, after.state, now));
    tx.log.job('job.started', after, job.state);
    return 'started';
  }

  /** Sends what was taken, so that lines begin behind it. */
  write(): void {
    this.changes.write();
    const jobs = this.#started.splice(0);
    if (jobs.length === 0) return;
    this.tx.write(start, [
      this.now,
      `{${jobs.map(({ id }) => id).join(',')}}`,
      numbers(jobs.map(({ claim }) => claim)),
      numbers(jobs.map(({ attempt }) => attempt)),
      numbers(jobs.map(dueAt)),
      texts(jobs.map(({ worker }) => worker)),
      numbers(jobs.map(({ leaseMs }) => leaseMs)),
      numbers(jobs.map(({ leaseUntil }) => leaseUntil)),
      numbers(jobs.map(({ expiresAt }) => expiresAt)),
    ]);
  }
}
