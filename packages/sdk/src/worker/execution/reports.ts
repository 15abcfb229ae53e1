import { type Connection, once } from '../../connection/connection.ts';
import { OJSAPIError, OJSError, OJSValidationError } from '../../errors.ts';
import { jsonProblem, refuse } from '../../job/validate-request.ts';
import { quoted } from '../../json.ts';
import { isRefusal, isUnclear, saysNoRoute } from '../fetch/response-checks.ts';
import type { LeasedJob } from '../leases/leased-job.ts';

/**
 * Progress of a job is sent at most once in this time (ojs-progress §6.2). The last report is always sent.
 * Milliseconds.
 */
const everyMs = 1_000;
/** The longest time that a report may take. The outcome of the job waits for it. Milliseconds. */
const reportMs = 2_000;

interface Progress {
  readonly progress: number;
  readonly message: string | undefined;
  readonly data: unknown;
}

/** Sends the reports of one worker's handlers. Remembers which reports the server does not support. */
export class Reporting {
  readonly connection: Connection;
  readonly workerId: string;
  #withoutProgress = false;

  constructor(connection: Connection, workerId: string) {
    this.connection = connection;
    this.workerId = workerId;
  }

  /**
   * Sends a report in one attempt: a lost report does not matter to the job. False if the answer says that the job no
   * longer belongs to this worker.
   * @throws {OJSError} if the server has no progress, or refuses the report.
   */
  async progress(leased: LeasedJob, report: Progress): Promise<boolean> {
    if (this.#withoutProgress) throw missing('progress', leased);
    try {
      const body = this.#body(leased, report);
      const call = { operation: 'job.reportProgress', params: { id: leased.id }, body } as const;
      return (await once(this.connection, call, reportMs)).accepted !== false;
    } catch (error) {
      if (saysNoRoute(error) || isUnclear(error)) {
        this.#withoutProgress = saysNoRoute(error);
        throw missing('progress', leased, error);
      }
      if (isRefusal(error) && error.statusCode !== 404 && error.statusCode !== 409) throw error;
      this.connection.logger.debug('progress lost', { job_id: leased.id, error: String(error) });
      return true;
    }
  }

  /**
   * Saves a checkpoint, with the retries of any call. A copy that arrives after a later checkpoint changes nothing.
   * @param save counts the checkpoints of this execution from 1.
   * @throws {OJSError}
   */
  async checkpoint(leased: LeasedJob, state: unknown, save: number): Promise<void> {
    try {
      const body = this.#body(leased, { state, x_save: save });
      await this.connection.call(
        { operation: 'job.saveCheckpoint', params: { id: leased.id }, body },
        {},
        { jobId: leased.id },
      );
    } catch (error) {
      if (saysNoRoute(error) || isUnclear(error)) throw missing('checkpoints', leased, error);
      if (error instanceof OJSAPIError && (error.statusCode === 404 || error.statusCode === 409)) {
        throw new LostJobError('The checkpoint was not saved: the job no longer belongs to this worker.', {
          jobId: leased.id,
          cause: error,
        });
      }
      throw error;
    }
  }

  #body(leased: LeasedJob, fields: object): string {
    return JSON.stringify({
      ...fields,
      worker_id: this.workerId,
      ...(leased.lease !== undefined && { x_lease: leased.lease }),
    });
  }
}

class LostJobError extends OJSError {
  static override readonly name: string = 'OJSError';
}

/** The services that reports of one execution need. */
export interface ReportsServices {
  readonly reporting: Reporting;
  /** Called when the server has taken the job from this worker. */
  lose(leased: LeasedJob, message: string): void;
}

function missing(what: string, leased: LeasedJob, cause?: unknown): OJSError {
  return new OJSError(`The server has no ${what}: it does not support this extension of Open Job Spec.`, {
    jobId: leased.id,
    cause,
  });
}

/** The reports of one execution. */
export class Reports {
  readonly #leased: LeasedJob;
  readonly #reporting: Reporting;
  readonly #services: ReportsServices;
  #sentAt = Number.NEGATIVE_INFINITY;
  #pending: Progress | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last: Promise<void> = Promise.resolve();
  #sending = 0;
  #saves = 0;

  constructor(leased: LeasedJob, services: ReportsServices) {
    this.#leased = leased;
    this.#reporting = services.reporting;
    this.#services = services;
  }

  /** Sends the report now, or with the next one that is due. In the second case it resolves at once. */
  async progress(percent: number, message?: string, data?: unknown): Promise<void> {
    if (!Number.isFinite(percent))
      throw OJSValidationError.of('percent', `expected a finite number (0 to 100), got ${quoted(percent)}`);
    if (data !== undefined) refuse(jsonProblem(data, 'data'));
    if (this.#leased.state !== 'running') return;
    const report = { progress: Math.min(100, Math.max(0, percent)) / 100, message, data };
    const wait = this.#sentAt + everyMs - performance.now();
    if (wait <= 0) return await this.#send(report);
    this.#pending = report;
    this.#timer ??= setTimeout(() => void this.#flush(), wait);
  }

  async checkpoint(state: unknown): Promise<void> {
    if (state === undefined) throw OJSValidationError.of('state', 'expected a JSON value; null is one');
    refuse(jsonProblem(state, 'state'));
    try {
      await this.#reporting.checkpoint(this.#leased, state, ++this.#saves);
    } catch (error) {
      // The server has taken the job back. An error that the handler throws from now on is not a failure of the job.
      if (error instanceof LostJobError) this.#services.lose(this.#leased, error.message);
      throw error;
    }
  }

  /** Sends the last report, so that it reaches the server before the outcome. Null if nothing is pending. */
  end(): Promise<void> | null {
    return this.#pending === null && this.#sending === 0 ? null : this.#flush();
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const report = this.#pending;
    this.#pending = null;
    const sending = report === null ? this.#last : this.#send(report);
    return sending.catch((error: unknown) => {
      this.#reporting.connection.logger.warn('progress refused', { job_id: this.#leased.id, error: String(error) });
    });
  }

  /** Sends one after the other, so that reports stay in order. */
  #send(report: Progress): Promise<void> {
    this.#sentAt = performance.now();
    this.#sending++;
    this.#last = this.#last
      .catch(() => {})
      .then(async () => {
        if (await this.#reporting.progress(this.#leased, report)) return;
        this.#services.lose(this.#leased, 'The progress was not saved: the job no longer belongs to this worker.');
      })
      .finally(() => {
        this.#sending--;
      });
    return this.#last;
  }
}
