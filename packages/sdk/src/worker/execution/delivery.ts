import type { Logger } from '../../connection/logger.ts';
import { backoffMs } from '../../connection/pause.ts';
import { OJSError } from '../../errors.ts';
import type { ItemAnswer } from '../fetch/exchange.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import type { LeasedJobs } from '../leases/leased-jobs.ts';
import type { Callbacks } from './callbacks.ts';
import { logFailure } from './failure-log.ts';
import { ackEntry, giveBackFor, nackEntry } from './outcome.ts';
import type { PendingOutcomes } from './pending-outcomes.ts';
import { type ResultError, refusedResult } from './result.ts';

export interface DeliveryServices {
  readonly leasedJobs: LeasedJobs;
  readonly outcomes: PendingOutcomes;
  readonly logger: Logger;
  readonly callbacks: Callbacks | null;
  changed(): void;
}

/**
 * How long after the lease an outcome with a fence is sent. The server accepts it as long as no other worker has the
 * job, as after an outage of its store. Without a fence it could end another worker's execution. Milliseconds.
 */
const outageMs = 600_000;
const minRetryMs = 50;
const maxRetryMs = 1_000;

/**
 * Sends outcomes until the server has answered or cannot accept them any more. An ack never becomes a nack, because the
 * handler has succeeded. The only exception is a result that the server refuses.
 */
export class Delivery {
  readonly #services: DeliveryServices;
  readonly #waiting = new Map<LeasedJob, ReturnType<typeof setTimeout>>();

  constructor(services: DeliveryServices) {
    this.#services = services;
  }

  answered(leased: LeasedJob, answer: ItemAnswer | undefined): void {
    const status = answer?.status ?? 503;
    if (status < 300) {
      this.#done(leased);
      this.#services.callbacks?.settled(leased, answer?.state);
    } else if (status === 404 || status === 409) {
      this.#log('warn', 'outcome dropped: the job no longer belongs to this worker', leased, {
        status,
        message: answer?.message,
      });
      leased.abort(
        new OJSError(
          'The outcome came too late: the job was cancelled, or its lease had expired and it belongs to another worker.',
          { jobId: leased.id },
        ),
      );
      this.#done(leased);
    } else if ([400, 403, 413, 422].includes(status)) this.#refused(leased, status, answer?.message ?? '');
    else this.#later(leased);
  }

  /** The server will never take this outcome as it is. */
  #refused(leased: LeasedJob, status: number, reason: string): void {
    // 403 refuses the token, not the result.
    if (status !== 403 && leased.outcome === 'ack' && leased.entry !== ackEntry(leased, undefined)) {
      this.#fail(leased, refusedResult(status, reason));
      return;
    }
    this.#log('error', 'outcome refused: the job goes back to its queue', leased, { status, reason });
    this.#done(leased);
  }

  /**
   * A result that cannot be stored fails its job. Otherwise a caller of `wait()` would get a success without a result.
   */
  #fail(leased: LeasedJob, error: ResultError): void {
    const { outcomes, logger, callbacks, changed } = this.#services;
    const giveBack = giveBackFor(error);
    logFailure(logger, leased, giveBack.failure, error);
    leased.entry = nackEntry(leased, giveBack);
    leased.outcome = 'nack';
    outcomes.putBack(leased);
    changed();
    callbacks?.failed(leased, error);
  }

  /** The outcomes that the server can still accept. The others are given up. */
  stillDue(items: readonly LeasedJob[]): readonly LeasedJob[] {
    const now = performance.now();
    const isDue = ({ lease, leaseUntil }: LeasedJob) => leaseUntil + (lease === undefined ? 0 : outageMs) > now;
    if (items.every(isDue)) return items;
    this.abandon(items.filter((leased) => !isDue(leased)));
    return items.filter(isDue);
  }

  abandon(items: readonly LeasedJob[]): void {
    for (const leased of items) {
      this.#log('error', 'outcome lost: it could not be delivered, and the job runs again', leased, {
        outcome: leased.outcome,
      });
      this.#done(leased);
    }
  }

  close(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.abandon([...this.#waiting.keys()]);
    this.#waiting.clear();
  }

  #later(leased: LeasedJob): void {
    leased.failures++;
    const again = () => {
      this.#waiting.delete(leased);
      if (this.stillDue([leased]).length === 0) return this.#services.changed();
      this.#services.outcomes.putBack(leased);
      this.#services.changed();
    };
    this.#waiting.set(
      leased,
      setTimeout(again, Math.min(backoffMs(leased.failures, minRetryMs, maxRetryMs), maxRetryMs)),
    );
  }

  #done(leased: LeasedJob): void {
    this.#services.leasedJobs.remove(leased);
    this.#services.outcomes.done();
  }

  #log(level: 'warn' | 'error', message: string, leased: LeasedJob, fields: object): void {
    this.#services.logger[level](message, { job_id: leased.id, job_type: leased.wire.type, ...fields });
  }
}
