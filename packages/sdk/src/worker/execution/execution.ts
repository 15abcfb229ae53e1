import type { Logger } from '../../connection/logger.ts';
import { JobTimeoutError, OJSError } from '../../errors.ts';
import type { Wire } from '../../json.ts';
import { timerMs } from '../../options/duration.ts';
import { Prefetched } from '../fetch/prefetched.ts';
import type { Slots } from '../fetch/slots.ts';
import { LeasedJob } from '../leases/leased-job.ts';
import type { LeasedJobs } from '../leases/leased-jobs.ts';
import type { Suspension } from '../steps/host.ts';
import type { Callbacks } from './callbacks.ts';
import type { JobContext } from './context.ts';
import { type ContextServices, ExecutionContext } from './execution-context.ts';
import { logFailure } from './failure-log.ts';
import type { Isolated, Isolation } from './isolation.ts';
import { fillParentResults } from './left-out-results.ts';
import {
  ackEntry,
  type GiveBack,
  giveBackFor,
  isEncoded,
  nackEntry,
  suspensionEntry,
  timeoutFailure,
} from './outcome.ts';
import type { PendingOutcomes } from './pending-outcomes.ts';

export interface ExecutionServices extends Omit<ContextServices, 'lose' | 'suspend' | 'frozen'> {
  readonly leasedJobs: LeasedJobs;
  readonly slots: Slots;
  readonly outcomes: PendingOutcomes;
  readonly callbacks: Callbacks | null;
  readonly visibilityMs: number;
  /** The largest result in bytes, if it is known before the server has answered. */
  readonly maxResultBytes?: number;
  /** How long a job may wait for a slot, in milliseconds. Default: no limit. */
  readonly patienceMs?: number;
  /** Absent if the caller decides what runs beside what. */
  readonly isolation?: Isolation;
  /** Runs the handler of the job's type, with its middleware. */
  perform(context: JobContext): unknown;
  /** The outcome of a job without a handler; null if there is a handler. */
  unknownType(jobType: string): GiveBack | null;
  /** A slot or an outcome is available. */
  changed(): void;
}

/** Runs claimed jobs. Each ends in exactly one outcome, or in none if the server has taken the job back. */
export class Execution {
  readonly #services: ExecutionServices;
  readonly #ofContexts: ContextServices;
  readonly #logger: Logger;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  readonly #waiting: Prefetched;
  /** The parts of this worker that the isolation of the process needs. */
  readonly isolated: Isolated;
  /** Waits until it is alone. */
  #suspect: LeasedJob | null = null;

  constructor(services: ExecutionServices) {
    this.#services = services;
    this.isolated = {
      leasedJobs: services.leasedJobs,
      active: () => services.slots.active,
      returnWaiting: () => this.#returnPrefetched(),
      resume: () => services.changed(),
    };
    services.isolation?.join(this.isolated);
    this.#ofContexts = {
      ...services,
      lose: (leased, message) => this.lose(leased, message),
      suspend: (leased, suspension, isWrapped) => this.#suspend(leased, suspension, isWrapped),
      frozen: (leased) => this.#vacate(leased),
    };
    this.#logger = services.logger;
    this.#waiting = new Prefetched(services.slots, services.patienceMs, (leased) => this.#giveBack(leased, noSlot));
  }

  /**
   * Starts the handler of a fetched job, or lets the job wait for a slot. Without room the job goes back to its queue.
   */
  begin(wire: Wire, now: number): void {
    const leased = this.#hold(wire, now);
    if (leased === null) return;
    const missing = this.#services.unknownType(typeof wire.type === 'string' ? wire.type : '');
    if (missing !== null) this.#giveBack(leased, missing);
    else if (this.#services.isolation?.isClosed === true) this.#giveBack(leased, besideSuspect);
    else if (leased.aloneMs > 0 && this.#services.isolation !== undefined)
      this.#runAlone(leased, this.#services.isolation);
    else if (this.#services.slots.occupy()) this.#run(leased);
    else if (this.#waiting.add(leased)) leased.state = 'waiting';
    else this.#giveBack(leased, noSlot);
  }

  #runAlone(leased: LeasedJob, isolation: Isolation): void {
    leased.state = 'waiting';
    this.#suspect = leased;
    const fields = { job_id: leased.id, job_type: leased.wire.type };
    this.#logger.warn('job runs alone: its worker died in its last execution', fields);
    const start = () => {
      this.#suspect = null;
      if (this.#services.slots.occupy()) {
        leased.state = 'running';
        this.#run(leased);
      } else this.#giveBack(leased, noSlot);
    };
    void isolation.run(this.isolated, leased, leased.aloneMs, start);
  }

  /** Gives the waiting jobs back, uncounted: no further handler starts. */
  returnWaiting(): void {
    this.#returnPrefetched();
    if (this.#suspect?.state === 'waiting') this.#giveBack(this.#suspect, notRunning);
    this.#suspect = null;
  }

  #returnPrefetched(): void {
    for (let leased = this.#waiting.shift(); leased !== undefined; leased = this.#waiting.shift())
      this.#giveBack(leased, notRunning);
  }

  /** Gives a job back, uncounted, that arrived too late to start. */
  refuse(wire: Wire, now: number): void {
    const leased = this.#hold(wire, now);
    if (leased !== null) this.#giveBack(leased, notRunning);
  }

  /**
   * The job no longer belongs to this worker. Nothing more is sent for it, and its slot stays taken until the handler
   * has ended.
   */
  lose(leased: LeasedJob, message: string): void {
    if (leased.state !== 'running' && leased.state !== 'waiting') return;
    if (leased.state === 'waiting') this.#waiting.remove(leased);
    leased.state = 'lost';
    this.#services.leasedJobs.remove(leased);
    this.#logger.warn('job lost', { job_id: leased.id, job_type: leased.wire.type, reason: message });
    leased.abort(new OJSError(message, { jobId: leased.id }));
    this.#services.callbacks?.cancelled(leased);
    this.#services.changed();
  }

  /** The grace period is over: handlers' signals abort, and their jobs go back uncounted. */
  interrupt(): void {
    for (const leased of this.#services.leasedJobs) {
      if (leased.state !== 'running') continue;
      leased.abort(new OJSError('The worker is shutting down.', { jobId: leased.id }));
      this.#detach(leased);
      this.#giveBack(leased, cutOff);
    }
  }

  close(): void {
    this.#services.isolation?.leave(this.isolated);
    clearTimeout(this.#timer);
    this.#waiting.close();
  }

  #hold(wire: Wire, now: number): LeasedJob | null {
    const { leasedJobs } = this.#services;
    if (typeof wire.id !== 'string') return null;
    const leased = new LeasedJob(wire, wire.id, now, now + this.#services.visibilityMs);
    const before = leasedJobs.get(leased.id);
    if (before !== undefined) {
      if (before.lease !== undefined && before.lease === leased.lease) return null;
      this.lose(before, 'The job was handed out again while it was still running here.');
    }
    leasedJobs.add(leased);
    return leased;
  }

  #run(leased: LeasedJob): void {
    leased.occupies = true;
    leased.beganAt = performance.now();
    this.#watch(leased.deadline);
    const context = new ExecutionContext(leased, this.#ofContexts);
    this.#services.callbacks?.started(leased, context);
    try {
      const { perform, reporting } = this.#services;
      const returned =
        leased.wire.x_parent_results_left_out === undefined
          ? perform(context)
          : fillParentResults(leased, reporting.connection).then(() => perform(context));
      if (isThenable(returned)) {
        Promise.resolve(returned).then(
          (result) => this.#complete(leased, result),
          (error: unknown) => this.#failed(leased, error, context),
        );
      } else this.#complete(leased, returned);
    } catch (error) {
      this.#failed(leased, error, context);
    }
  }

  #complete(leased: LeasedJob, result: unknown): void {
    if (this.#holdsSteps(leased, () => this.#complete(leased, result))) return;
    this.#vacate(leased);
    if (leased.state !== 'running') return;
    try {
      leased.entry = ackEntry(leased, result, this.#services.maxResultBytes);
    } catch (error) {
      this.#failed(leased, error);
      return;
    }
    leased.outcome = 'ack';
    this.#settle(leased);
    this.#services.callbacks?.completed(leased, result);
  }

  #failed(leased: LeasedJob, error: unknown, context?: JobContext): void {
    if (this.#holdsSteps(leased, () => this.#failed(leased, error, context))) return;
    this.#vacate(leased);
    if (leased.state !== 'running') return;
    const giveBack = giveBackFor(error, isEncoded(leased.wire.meta));
    if (!giveBack.requeue) logFailure(this.#logger, leased, giveBack.failure, error, context);
    this.#giveBack(leased, giveBack);
    if (!giveBack.requeue) this.#services.callbacks?.failed(leased, error);
  }

  /**
   * True if the outcome has to wait until the running steps of the handler are recorded, or does not count because the
   * job was suspended.
   */
  #holdsSteps(leased: LeasedJob, settle: () => void): boolean {
    const { steps, suspension } = leased;
    if (steps === undefined) return false;
    leased.steps = undefined;
    if (suspension !== undefined) this.#settleSuspended(leased);
    else steps.ending().then(settle, settle);
    return true;
  }

  #suspend(leased: LeasedJob, suspension: Suspension, isWrapped: boolean): void {
    leased.suspension = suspension;
    if (!isWrapped) this.#settleSuspended(leased);
  }

  #settleSuspended(leased: LeasedJob): void {
    this.#vacate(leased);
    if (leased.state !== 'running' || leased.suspension === undefined) return;
    leased.entry = suspensionEntry(leased, { ...leased.suspension });
    leased.outcome = 'nack';
    this.#settle(leased);
  }

  #giveBack(leased: LeasedJob, giveBack: GiveBack): void {
    leased.entry = nackEntry(leased, giveBack);
    leased.outcome = 'nack';
    this.#settle(leased);
  }

  #settle(leased: LeasedJob): void {
    const { outcomes, changed } = this.#services;
    leased.state = 'settled';
    const reported = leased.reports?.end() ?? null;
    if (reported === null) {
      outcomes.add(leased);
      changed();
      return;
    }
    outcomes.announce();
    void reported.then(() => {
      outcomes.putBack(leased);
      changed();
    });
  }

  /** The handler has ended. The slot of a detached handler was free before. */
  #vacate(leased: LeasedJob): void {
    if (!leased.occupies) return;
    leased.ranMs = performance.now() - leased.beganAt;
    this.#detach(leased);
    if (leased.state === 'lost' && leased.usesSteps) this.#tellThatItLeft(leased);
    if (leased.state !== 'running') this.#services.changed();
  }

  /** No step runs any more. The server refuses this outcome of a cancelled job, and undoes its steps without a wait. */
  #tellThatItLeft(leased: LeasedJob): void {
    const { connection } = this.#services.reporting;
    const call = { operation: 'worker.nack', body: nackEntry(leased, notRunning) } as const;
    connection.call(call, {}, { jobId: leased.id }).catch(() => {});
  }

  #detach(leased: LeasedJob): void {
    // A handler that waits in a durable call has left its slot when its signal aborted.
    if (!leased.occupies) return;
    leased.occupies = false;
    this.#services.slots.vacate();
    // Deferred, so that this outcome is sent before a handler that blocks starts.
    if (!this.#waiting.isEmpty) queueMicrotask(() => this.#startWaiting());
  }

  #startWaiting(): void {
    const leased = this.#waiting.shift();
    if (leased === undefined) return;
    // The job's time counts from the claim. Start it only if half of the time is left.
    if ((leased.deadline - leased.startedAt) / 2 < performance.now() - leased.startedAt)
      this.#giveBack(leased, waitedTooLong);
    else if (this.#services.slots.occupy()) {
      leased.state = 'running';
      this.#run(leased);
    } else this.#giveBack(leased, noSlot);
  }

  /** One timer for the nearest deadline. It is not moved when a job ends, because most jobs end long before theirs. */
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
    for (const leased of this.#services.leasedJobs) {
      if (leased.state !== 'running') continue;
      if (leased.deadline <= now) this.#timeOut(leased, now);
      else next = Math.min(next, leased.deadline);
    }
    this.#watch(next);
  }

  #timeOut(leased: LeasedJob, now: number): void {
    const limit = Math.round(leased.deadline - leased.startedAt);
    const message = `The job ran longer than its timeout of ${limit} ms.`;
    this.#logger.warn('job timed out', {
      job_id: leased.id,
      job_type: leased.wire.type,
      attempt: leased.wire.attempt,
      limit_ms: limit,
    });
    const error = new JobTimeoutError(message, limit, { jobId: leased.id });
    leased.abort(error);
    this.#detach(leased);
    this.#giveBack(leased, { failure: timeoutFailure(message, limit, now - leased.startedAt) });
    this.#services.callbacks?.failed(leased, error);
  }
}

/** Reserved for coordination by ojs-worker-protocol, appendix B. */
function shutdown(message: string): GiveBack {
  return { failure: { code: 'shutdown', type: 'shutdown', message, retryable: true }, requeue: true };
}

const besideSuspect = shutdown(
  'Given back: this worker runs another job alone, because a worker has died while it ran that job.',
);
const noSlot = shutdown('Given back: the worker has no free slot.');
const waitedTooLong = shutdown(
  'Given back: the job waited for a slot for more than half of its timeout. Lower prefetch, or raise timeout.',
);
const notRunning = shutdown('Given back: the worker has been told to start no more jobs.');
const cutOff = shutdown(
  'Given back: the worker shut down before the job had finished. Raise shutdownTimeout for long jobs.',
);

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
