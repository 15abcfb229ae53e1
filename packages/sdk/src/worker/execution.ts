import type { Logger } from '../connection/logger.ts';
import { JobTimeoutError, OJSError } from '../errors.ts';
import type { Wire } from '../json.ts';
import { timerMs } from '../options/duration.ts';
import type { Callbacks } from './callbacks.ts';
import type { JobContext } from './context.ts';
import { type ContextServices, ExecutionContext } from './execution-context.ts';
import { logFailure } from './failure-log.ts';
import { Held } from './held.ts';
import type { Holdings } from './holdings.ts';
import type { Outbox } from './outbox.ts';
import { ackEntry, type GiveBack, giveBackFor, isEncoded, nackEntry, timeoutFailure } from './outcome.ts';
import type { Slots } from './slots.ts';
import { Waiting } from './waiting.ts';

export interface ExecutionServices extends Omit<ContextServices, 'lose'> {
  readonly holdings: Holdings;
  readonly slots: Slots;
  readonly outbox: Outbox;
  readonly callbacks: Callbacks | null;
  readonly visibilityMs: number;
  /** Of a result, where it is known before the server has answered. */
  readonly maxResultBytes?: number;
  /** How long a job may wait for a slot, in milliseconds; default: for ever. */
  readonly patienceMs?: number;
  /** Runs the handler of the job's type; what wraps handlers stands in here. */
  perform(context: JobContext): unknown;
  /** What becomes of a job whose type has no handler here; null where it has one. */
  unknownType(jobType: string): GiveBack | null;
  /** A slot or an outcome came up. */
  changed(): void;
}

/** Runs claimed jobs: each ends in exactly one outcome, or in none where the server took it back. */
export class Execution {
  readonly #services: ExecutionServices;
  readonly #ofContexts: ContextServices;
  readonly #logger: Logger;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  readonly #waiting: Waiting;

  constructor(services: ExecutionServices) {
    this.#services = services;
    this.#ofContexts = { ...services, lose: (held, message) => this.lose(held, message) };
    this.#logger = services.logger;
    this.#waiting = new Waiting(services.slots, services.patienceMs, (held) => this.#giveBack(held, noSlot));
  }

  /** Starts the handler of a fetched job, or lets it wait for a slot. A job that there is no room for goes back to its queue. */
  begin(wire: Wire, now: number): void {
    const held = this.#hold(wire, now);
    if (held === null) return;
    const missing = this.#services.unknownType(typeof wire.type === 'string' ? wire.type : '');
    if (missing !== null) this.#giveBack(held, missing);
    else if (this.#services.slots.occupy()) this.#run(held);
    else if (this.#waiting.add(held)) held.state = 'waiting';
    else this.#giveBack(held, noSlot);
  }

  /** No more is started: what waits goes back to its queue, uncounted. */
  returnWaiting(): void {
    for (let held = this.#waiting.shift(); held !== undefined; held = this.#waiting.shift())
      this.#giveBack(held, notRunning);
  }

  /** A job that arrived when no more may be started: back to its queue, uncounted. */
  refuse(wire: Wire, now: number): void {
    const held = this.#hold(wire, now);
    if (held !== null) this.#giveBack(held, notRunning);
  }

  /** The server no longer counts the job as ours: nothing more is sent, the slot stays taken until the handler has ended. */
  lose(held: Held, message: string): void {
    if (held.state !== 'running' && held.state !== 'waiting') return;
    if (held.state === 'waiting') this.#waiting.remove(held);
    held.state = 'lost';
    this.#services.holdings.remove(held);
    this.#logger.warn('job lost', { job_id: held.id, job_type: held.wire.type, reason: message });
    held.abort(new OJSError(message, { jobId: held.id }));
    this.#services.callbacks?.cancelled(held);
    this.#services.changed();
  }

  /** The end of the grace period: handlers are told, their jobs go back uncounted. */
  interrupt(): void {
    for (const held of this.#services.holdings) {
      if (held.state !== 'running') continue;
      held.abort(new OJSError('The worker is shutting down.', { jobId: held.id }));
      this.#detach(held);
      this.#giveBack(held, cutOff);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.close();
  }

  #hold(wire: Wire, now: number): Held | null {
    const { holdings } = this.#services;
    if (typeof wire.id !== 'string') return null;
    const held = new Held(wire, wire.id, now, now + this.#services.visibilityMs);
    const before = holdings.get(held.id);
    if (before !== undefined) {
      if (before.lease !== undefined && before.lease === held.lease) return null;
      this.lose(before, 'The job was handed out again while it was still running here.');
    }
    holdings.add(held);
    return held;
  }

  #run(held: Held): void {
    held.occupies = true;
    held.beganAt = performance.now();
    this.#watch(held.deadline);
    const context = new ExecutionContext(held, this.#ofContexts);
    this.#services.callbacks?.started(held, context);
    try {
      const returned = this.#services.perform(context);
      if (isThenable(returned)) {
        Promise.resolve(returned).then(
          (result) => this.#complete(held, result),
          (error: unknown) => this.#failed(held, error, context),
        );
      } else this.#complete(held, returned);
    } catch (error) {
      this.#failed(held, error, context);
    }
  }

  #complete(held: Held, result: unknown): void {
    this.#vacate(held);
    if (held.state !== 'running') return;
    try {
      held.entry = ackEntry(held, result, this.#services.maxResultBytes);
    } catch (error) {
      this.#failed(held, error);
      return;
    }
    held.outcome = 'ack';
    this.#settle(held);
    this.#services.callbacks?.completed(held, result);
  }

  #failed(held: Held, error: unknown, context?: JobContext): void {
    this.#vacate(held);
    if (held.state !== 'running') return;
    const giveBack = giveBackFor(error, isEncoded(held.wire.meta));
    if (!giveBack.requeue) logFailure(this.#logger, held, giveBack.failure, error, context);
    this.#giveBack(held, giveBack);
    if (!giveBack.requeue) this.#services.callbacks?.failed(held, error);
  }

  #giveBack(held: Held, giveBack: GiveBack): void {
    held.entry = nackEntry(held, giveBack);
    held.outcome = 'nack';
    this.#settle(held);
  }

  #settle(held: Held): void {
    const { outbox, changed } = this.#services;
    held.state = 'settled';
    const reported = held.reports?.end() ?? null;
    if (reported === null) {
      outbox.add(held);
      changed();
      return;
    }
    outbox.announce();
    void reported.then(() => {
      outbox.putBack(held);
      changed();
    });
  }

  /** The handler has ended; a detached one gave its slot back before. */
  #vacate(held: Held): void {
    if (!held.occupies) return;
    held.ranMs = performance.now() - held.beganAt;
    this.#detach(held);
    if (held.state !== 'running') this.#services.changed();
  }

  #detach(held: Held): void {
    held.occupies = false;
    this.#services.slots.vacate();
    // Later, so that the outcome of this one is on its way before a handler that blocks begins.
    if (!this.#waiting.isEmpty) queueMicrotask(() => this.#startWaiting());
  }

  #startWaiting(): void {
    const held = this.#waiting.shift();
    if (held === undefined) return;
    // The server counts its time from the claim: what is left must be worth a try.
    if ((held.deadline - held.startedAt) / 2 < performance.now() - held.startedAt) this.#giveBack(held, waitedTooLong);
    else if (this.#services.slots.occupy()) {
      held.state = 'running';
      this.#run(held);
    } else this.#giveBack(held, noSlot);
  }

  /** One timer for the nearest deadline. Most jobs end long before theirs, so it is not moved when they do. */
  #watch(deadline: number): void {
    if (deadline >= this.#dueAt) return;
    this.#dueAt = deadline;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#expire(), timerMs(deadline - performance.now()));
  }

  #expire(): void {
    const now = performance.now();
    this.#dueAt = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const held of this.#services.holdings) {
      if (held.state !== 'running') continue;
      if (held.deadline <= now) this.#timeOut(held, now);
      else next = Math.min(next, held.deadline);
    }
    this.#watch(next);
  }

  #timeOut(held: Held, now: number): void {
    const limit = Math.round(held.deadline - held.startedAt);
    const message = `The job ran longer than its timeout of ${limit} ms.`;
    this.#logger.warn('job timed out', {
      job_id: held.id,
      job_type: held.wire.type,
      attempt: held.wire.attempt,
      limit_ms: limit,
    });
    const error = new JobTimeoutError(message, limit, { jobId: held.id });
    held.abort(error);
    this.#detach(held);
    this.#giveBack(held, { failure: timeoutFailure(message, limit, now - held.startedAt) });
    this.#services.callbacks?.failed(held, error);
  }
}

/** Reserved for coordination by ojs-worker-protocol, appendix B. */
function shutdown(message: string): GiveBack {
  return { failure: { code: 'shutdown', type: 'shutdown', message, retryable: true }, requeue: true };
}

const noSlot = shutdown('The worker has no free slot.');
const waitedTooLong = shutdown('The job waited for a slot for more than half of its timeout.');
const notRunning = shutdown('The worker takes no new jobs.');
const cutOff = shutdown('The worker shut down before the job had ended.');

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
