import type { Millis } from '@ojs-ts/core';
import { type ByteBudget, type JobId, type JobRecord, sizeOf } from '@ojs-ts/core/job';
import { claimed, isExpired, requestKey } from '@ojs-ts/core/lifecycle';
import { sumsOf } from '@ojs-ts/core/statistics';
import type { Claim } from '../../storage.ts';
import { numbers, uuids } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import type { Changes } from '../jobs/changes.ts';
import type { LockedJob } from '../jobs/locked-job.ts';
import { enterActive, leave } from '../jobs/moves.ts';
import { longTexts, type Ready } from './ready-job.ts';

const clearProgress = 'UPDATE ojs.texts SET progress = NULL WHERE number = ANY ($1::bigint[]) AND progress IS NOT NULL';

/** A claim and the jobs that it has got so far. */
interface Served {
  readonly claim: Claim;
  readonly jobs: JobRecord[];
}

/** Neighbouring claims on the same queues, which are served as one: one after the other takes the next jobs. */
export class ClaimRun {
  readonly queues: readonly string[];
  readonly served: readonly Served[];
  /** How many more jobs the claims ask for. */
  wanted: number;
  #at = 0;

  constructor(claims: readonly Claim[]) {
    this.queues = claims[0]?.queues ?? [];
    this.served = claims.map((claim) => ({ claim, jobs: [] }));
    this.wanted = claims.reduce((sum, { limit }) => sum + Math.max(0, limit), 0);
  }

  /** The claim that gets the next job; only while one is wanted. */
  next(): Served {
    for (; ; this.#at++) {
      const served = this.served[this.#at];
      if (!served) throw new Error('A claim got more jobs than it asked for.');
      if (served.jobs.length < served.claim.limit) return served;
    }
  }
}

/**
 * Splits claims into runs, and into single repeats of a request that was answered before.
 * @param answered the keys of such requests; it may grow while runs are served.
 */
export function* runsOf(
  claims: readonly Claim[],
  answered: { has(key: string): boolean },
): Iterable<ClaimRun | { readonly repeat: string }> {
  let run: Claim[] = [];
  const keys = new Set<string>();
  for (const claim of claims) {
    const [first] = run;
    const key = claim.request === null ? null : requestKey(claim.request, claim.worker);
    if (first && (!isSameQueues(claim, first) || (key !== null && (answered.has(key) || keys.has(key))))) {
      yield new ClaimRun(run);
      run = [];
      keys.clear();
    }
    if (key !== null && answered.has(key)) {
      yield { repeat: key };
      continue;
    }
    run.push(claim);
    if (key !== null) keys.add(key);
  }
  if (run.length > 0) yield new ClaimRun(run);
}

function isSameQueues({ queues }: Claim, other: Claim): boolean {
  return queues.length === other.queues.length && queues.every((queue, at) => queue === other.queues[at]);
}

/** The jobs that one call of `claim` starts, and the expired ones that it discards on the way. */
export class ClaimBatch {
  readonly tx: Transaction;
  readonly changes: Changes;
  readonly now: Millis;
  readonly bytes: ByteBudget;
  /** Jobs that were started without their long texts. */
  readonly #leftOut = new Set<JobId>();
  /** Expired jobs that this call may still discard. */
  #expired: number;
  #started: LockedJob<JobRecord>[] = [];

  constructor(tx: Transaction, changes: Changes, now: Millis, expired: number, bytes: ByteBudget) {
    this.tx = tx;
    this.changes = changes;
    this.now = now;
    this.bytes = bytes;
    this.#expired = expired;
  }

  /**
   * Starts the job for the next claim of the run. Discards it instead if it has expired, or refuses it once the call
   * has discarded its share, or where the job does not fit any more.
   */
  take(run: ClaimRun, { held, leftOut }: Ready): 'started' | 'expired' | 'refused' {
    const { tx, now } = this;
    const { job } = held;
    if (isExpired(job, now)) {
      if (this.#expired === 0) {
        // Waiting claims continue where this one stops.
        tx.woken.add(job.queue);
        return 'refused';
      }
      this.#expired -= 1;
      this.changes.expire(held);
      return 'expired';
    }
    if (!this.bytes.take(leftOut ?? sizeOf(job))) return 'refused';
    if (leftOut !== null) this.#leftOut.add(job.id);
    const { claim, jobs } = run.next();
    const after = claimed(job, claim, now);
    jobs.push(after);
    run.wanted -= 1;
    this.#started.push({ ...held, job: after });
    tx.counts.add(job.queue, job.state, -1);
    tx.counts.add(job.queue, after.state, 1);
    tx.counts.sum(job, sumsOf(job, after.state, now));
    tx.log.job('job.started', after, job.state);
    return 'started';
  }

  /** The jobs with the long texts that were left out. */
  async whole(jobs: readonly JobRecord[]): Promise<readonly JobRecord[]> {
    const ids = jobs.flatMap(({ id }) => (this.#leftOut.has(id) ? [id] : []));
    if (ids.length === 0) return jobs;
    const rows = await this.tx.all(longTexts, [uuids(ids)]);
    const found = new Map(rows.map(({ id, ...texts }) => [id, texts]));
    return jobs.map((job) => ({ ...job, ...found.get(job.id) }));
  }

  /** Sends the changes of the jobs that were taken, so that the next read does not find these jobs. */
  write(): void {
    this.changes.write();
    const rows = this.#started.splice(0);
    if (rows.length === 0) return;
    leave(this.tx, rows);
    const noted = rows.filter(({ hasTexts }) => hasTexts);
    if (noted.length > 0) this.tx.write(clearProgress, [numbers(noted.map(({ number }) => number))]);
    enterActive(this.tx, rows);
  }
}
