import type { Logger } from '../connection/logger.ts';
import { backoffMs } from '../connection/pause.ts';
import { OJSError } from '../errors.ts';
import type { Callbacks } from './callbacks.ts';
import { logFailure } from './failure-log.ts';
import type { Held } from './held.ts';
import type { Holdings } from './holdings.ts';
import type { ItemAnswer } from './link.ts';
import type { Outbox } from './outbox.ts';
import { ackEntry, giveBackFor, nackEntry } from './outcome.ts';
import { type ResultError, refusedResult } from './result.ts';

export interface DeliveryServices {
  readonly holdings: Holdings;
  readonly outbox: Outbox;
  readonly logger: Logger;
  readonly callbacks: Callbacks | null;
  changed(): void;
}

/**
 * For how long after its lease an outcome with a fence is tried: the server takes it while nobody else has the job, as after an outage of its store, and
 * refuses it otherwise. Without a fence it might end another's execution.
 */
const outageMs = 600_000;
const minRetryMs = 50;
const maxRetryMs = 1_000;

/**
 * What becomes of outcomes on their way. One is sent until the server has answered or cannot take it any more, and an ack never turns into a nack:
 * the handler has succeeded, whatever becomes of the message. The one exception is a result that the server refuses.
 */
export class Delivery {
  readonly #services: DeliveryServices;
  readonly #waiting = new Map<Held, ReturnType<typeof setTimeout>>();

  constructor(services: DeliveryServices) {
    this.#services = services;
  }

  answered(held: Held, answer: ItemAnswer | undefined): void {
    const status = answer?.status ?? 503;
    if (status < 300) {
      this.#done(held);
      this.#services.callbacks?.settled(held, answer?.state);
    } else if (status === 404 || status === 409) {
      this.#log('warn', 'outcome dropped: the job is no longer ours', held, { status, message: answer?.message });
      held.abort(new OJSError('The job was no longer ours when its outcome was sent.', { jobId: held.id }));
      this.#done(held);
    } else if (status === 400 || status === 413 || status === 422) this.#refused(held, status, answer?.message ?? '');
    else this.#later(held);
  }

  /** The server will never take this outcome as it is. */
  #refused(held: Held, status: number, reason: string): void {
    if (held.outcome === 'ack' && held.entry !== ackEntry(held, undefined)) {
      this.#fail(held, refusedResult(status, reason));
      return;
    }
    this.#log('error', 'outcome refused: the job comes back when its lease ends', held, { status, reason });
    this.#done(held);
  }

  /** A result that cannot be kept fails its job: without it whoever waits would be told of a success and get nothing. */
  #fail(held: Held, error: ResultError): void {
    const { outbox, logger, callbacks, changed } = this.#services;
    const giveBack = giveBackFor(error);
    logFailure(logger, held, giveBack.failure, error);
    held.entry = nackEntry(held, giveBack);
    held.outcome = 'nack';
    outbox.putBack(held);
    changed();
    callbacks?.failed(held, error);
  }

  /** Those that can still be accepted; the others are given up. */
  stillDue(items: readonly Held[]): readonly Held[] {
    const now = performance.now();
    const isDue = ({ lease, leaseUntil }: Held) => leaseUntil + (lease === undefined ? 0 : outageMs) > now;
    if (items.every(isDue)) return items;
    this.abandon(items.filter((held) => !isDue(held)));
    return items.filter(isDue);
  }

  abandon(items: readonly Held[]): void {
    for (const held of items) {
      this.#log('error', 'outcome lost: it could not be delivered, and the job runs again', held, {
        outcome: held.outcome,
      });
      this.#done(held);
    }
  }

  close(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.abandon([...this.#waiting.keys()]);
    this.#waiting.clear();
  }

  #later(held: Held): void {
    held.failures++;
    const again = () => {
      this.#waiting.delete(held);
      if (this.stillDue([held]).length === 0) return this.#services.changed();
      this.#services.outbox.putBack(held);
      this.#services.changed();
    };
    this.#waiting.set(held, setTimeout(again, Math.min(backoffMs(held.failures, minRetryMs, maxRetryMs), maxRetryMs)));
  }

  #done(held: Held): void {
    this.#services.holdings.remove(held);
    this.#services.outbox.done();
  }

  #log(level: 'warn' | 'error', message: string, held: Held, fields: object): void {
    this.#services.logger[level](message, { job_id: held.id, job_type: held.wire.type, ...fields });
  }
}
