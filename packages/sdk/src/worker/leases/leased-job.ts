import type { Wire } from '../../json.ts';
import type { JobContext } from '../execution/context.ts';

/**
 * waiting: prefetched, without a slot yet. running: its handler runs under this worker's lease. settled: the outcome is
 * known and on its way to the server, the lease still held (a timeout and the end of a shutdown settle without the
 * handler). lost: the server took the job back; the worker sends nothing more.
 */
export type LeasedJobState = 'waiting' | 'running' | 'settled' | 'lost';

/** A claimed job, from its fetch until the server has answered its outcome. Times are of `performance.now()`. */
export class LeasedJob {
  readonly wire: Wire;
  readonly id: string;
  /** The fence: proves that an outcome belongs to this claim. Absent on servers without it. */
  readonly lease: string | undefined;
  /** For how long the job must be the only one of its process; 0 for most jobs. In milliseconds. */
  readonly aloneMs: number;
  /** The claim, from which the server counts the job's timeout. */
  readonly startedAt: number;
  /** When the execution has failed by its timeout. */
  readonly deadline: number;
  /** The time until which an outcome can be accepted; a heartbeat that lists the job extends it. */
  leaseUntil: number;
  state: LeasedJobState = 'running';
  /** True if its handler takes a slot. */
  occupies = false;
  /** When its handler was started, of `performance.now()`. */
  beganAt = Number.NaN;
  /** How long its handler ran, in milliseconds; infinite for a handler that never ended. */
  ranMs = Number.POSITIVE_INFINITY;
  /** The outcome as one item of an exchange, JSON text. */
  entry = '';
  outcome: 'ack' | 'nack' = 'ack';
  /** Its index in the memory that the heartbeat thread reads; −1 if it has none. */
  place = -1;
  /** Deliveries that failed. */
  failures = 0;
  /** The reporter of a handler that reports; `end` sends the rest, before the outcome. */
  reports: { end(): Promise<void> | null } | undefined;
  /** The durable steps of a handler that has some. `ending` resolves when those that run are recorded. */
  steps: { ending(): Promise<unknown> } | undefined;
  usesSteps = false;
  /** Set once the handler waits: the job goes back, and continues in another execution. */
  suspension: Readonly<Record<'waits' | 'steps' | 'failed_steps', readonly object[]>> | undefined;
  /** The context for callbacks, if there are any. */
  context: JobContext | undefined;
  failed = false;
  thrown: unknown;
  #reason: unknown;
  #controller: AbortController | undefined;

  constructor(wire: Wire, id: string, now: number, leaseUntil: number) {
    this.wire = wire;
    this.id = id;
    this.lease = typeof wire.x_lease === 'string' ? wire.x_lease : undefined;
    this.aloneMs = typeof wire.x_alone_ms === 'number' ? wire.x_alone_ms : 0;
    this.startedAt = now;
    this.deadline =
      typeof wire.timeout_ms === 'number' && wire.timeout_ms > 0 ? now + wire.timeout_ms : Number.POSITIVE_INFINITY;
    this.leaseUntil = leaseUntil;
  }

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** Created on first use: most handlers never ask, and an AbortController costs more than the rest of a job. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
