import type { PushItem } from '@ojs-ts/core/lifecycle';
import { EventLoopLag } from './event-loop-lag.ts';
import { Counter, Gauge, Histogram } from './instruments.ts';
import type { Family } from './series.ts';
import { noTracing, type Tracing } from './tracing.ts';

const storageBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
/** The bounds of OpenTelemetry's `http.server.request.duration`, and two for long polls. */
const requestBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60];
const enqueueBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const upkeepBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30];
const lagBounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** The server's measurements of itself since its start, with times in seconds. */
export class Telemetry {
  readonly tracing: Tracing;
  readonly storage = new Histogram(
    'ojs_storage_duration_seconds',
    'Time of the calls of this server to its store. A call may serve many requests.',
    storageBounds,
  );
  readonly storageErrors = new Counter('ojs_storage_errors_total', 'Calls to the store that failed, by reason.');
  readonly enqueues = new Histogram(
    'ojs_job_enqueue_duration_seconds',
    'Time until the store has answered for a job that was enqueued to this server.',
    enqueueBounds,
  );
  readonly requests = new Histogram(
    'http_server_request_duration_seconds',
    'Time of requests until their answers are written. A long poll waits. Without streams.',
    requestBounds,
  );
  readonly activeRequests = new Gauge('http_server_active_requests', 'Requests that are not answered yet.');
  readonly openStreams = new Gauge('ojs_streams_open', 'Open streams of events and WebSockets.');
  readonly lag: EventLoopLag;
  readonly #lag = new Histogram(
    'ojs_event_loop_lag_seconds',
    'How late the event loop is, ten times a second.',
    lagBounds,
  );
  readonly #upkeep = new Histogram(
    'ojs_upkeep_duration_seconds',
    'Time of one round of a task of upkeep.',
    upkeepBounds,
  );
  readonly #upkeepFailures = new Counter('ojs_upkeep_failures_total', 'Rounds of upkeep that failed.');
  readonly #upkeepDone = new Gauge(
    'ojs_upkeep_last_success_timestamp_seconds',
    'When a round of a task last succeeded, or began to be due.',
  );

  readonly #steps = new Counter(
    'ojs_steps_total',
    'Outcomes of durable steps that workers have sent to this server, by kind and outcome.',
  );

  constructor(tracing: Tracing = noTracing) {
    this.tracing = tracing;
    this.lag = new EventLoopLag(this.#lag);
    this.activeRequests.set(0);
    this.openStreams.set(0);
  }

  /** @param began when the call began, by `performance.now()`. */
  enqueued(items: readonly PushItem[], began: number): void {
    const seconds = (performance.now() - began) / 1_000;
    for (let at = 0; at < items.length; ) {
      const queue = items[at]?.job.queue ?? '';
      const start = at;
      while (items[at]?.job.queue === queue) at++;
      this.enqueues.of({ queue }).record(seconds, at - start);
    }
  }

  /** An outcome of a durable step was recorded, or `repeated`: an earlier one stays. */
  stepRecorded(kind: string, outcome: string): void {
    this.#steps.add({ kind, outcome });
  }

  /** From now on the task is expected to have rounds. */
  expect(task: string): void {
    this.#upkeepDone.set(Date.now() / 1_000, { task });
  }

  /** One round of a task of upkeep. */
  async round<T>(task: string, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      const done = await this.tracing.detached(work);
      this.#upkeepDone.set(Date.now() / 1_000, { task });
      return done;
    } catch (error) {
      this.#upkeepFailures.add({ task });
      throw error;
    } finally {
      this.#upkeep.of({ task }).record((performance.now() - began) / 1_000);
    }
  }

  families(): readonly Family[] {
    return [
      this.requests,
      this.activeRequests,
      this.openStreams,
      this.enqueues,
      this.storage,
      this.storageErrors,
      this.#steps,
      this.#upkeep,
      this.#upkeepFailures,
      this.#upkeepDone,
      this.#lag,
    ].map((instrument) => instrument.family());
  }
}
