import { JobTimeoutError } from '../errors.ts';
import { compact, textOf } from '../json.ts';
import type { ExecutionMiddleware } from '../middleware/types.ts';
import type { JobContext } from '../worker/execution/context.ts';
import { ContractViolation } from '../worker/execution/contract-violation.ts';
import { giveBackFor, isEncoded } from '../worker/execution/outcome.ts';
import { type Attributes, kind, type Span, status } from './api.ts';
import { type Instruments, type OpenTelemetryOptions, telemetryOf } from './telemetry.ts';
import { spanContextIn, withBaggage } from './trace-context.ts';

/**
 * Records a CONSUMER span `{queue} process` for each execution. The span is active while the handler runs, and linked
 * to the span that enqueued the job (ojs-observability §5.2, §6.2). The metrics are `ojs.job.completed`,
 * `ojs.job.failed`, `ojs.job.duration` (seconds), `ojs.job.retried`, `ojs.job.queue_time` (seconds) and
 * `ojs.workers.busy`. Add it first, so that it encloses the other middleware. Attributes never hold args or results.
 * @throws {OJSError} if `@opentelemetry/api` is not installed.
 */
export function opentelemetryMiddleware(options: OpenTelemetryOptions = {}): ExecutionMiddleware {
  const telemetry = telemetryOf(options);
  return async function opentelemetry(ctx, next) {
    const { api, tracer, instruments } = await telemetry();
    const links = ['traceparent', 'ojs.workflow.trace_origin']
      .map((key) => spanContextIn(api, ctx.meta, key))
      .filter((context) => context !== undefined)
      .map((context) => ({ context }));
    const parent = withBaggage(api, api.context.active(), ctx.meta);
    const span = tracer.startSpan(
      `${ctx.queue} process`,
      { kind: kind.consumer, attributes: attributesOf(ctx), links },
      parent,
    );
    const record = new Recording(ctx, span, instruments);
    try {
      const result = await api.context.with(api.trace.setSpan(parent, span), next);
      record.completed();
      return result;
    } catch (error) {
      record.threw(error);
      throw error;
    }
  };
}

/**
 * Records the end of an execution once. The handler may end it; or a timeout, a cancellation or a shutdown, while the
 * handler still runs.
 */
class Recording {
  readonly #ctx: JobContext;
  readonly #span: Span;
  readonly #instruments: Instruments;
  readonly #labels: { readonly queue: string; readonly type: string };
  readonly #began = performance.now();
  readonly #aborted = () => this.#interrupted(this.#ctx.signal.reason);
  #open = true;

  constructor(ctx: JobContext, span: Span, instruments: Instruments) {
    this.#ctx = ctx;
    this.#span = span;
    this.#instruments = instruments;
    this.#labels = { queue: ctx.queue, type: ctx.jobType };
    instruments.busy.add(1, { queue: ctx.queue });
    if (ctx.attempt > 1) instruments.retried.add(1, this.#labels);
    else this.#waited();
    if (ctx.isCancelled) this.#aborted();
    else ctx.signal.addEventListener('abort', this.#aborted, { once: true });
  }

  completed(): void {
    if (!this.#open) return;
    this.#instruments.completed.add(1, this.#labels);
    this.#span.setStatus({ code: status.ok });
    this.#end('completed');
  }

  threw(error: unknown): void {
    if (!this.#open) return;
    const { failure, requeue } = giveBackFor(error, isEncoded(this.#ctx.meta));
    // A snooze counts as neither failed nor completed.
    if (requeue) this.#end('retryable');
    else this.#failed(error, failure.type, failure.message, failure.retryable !== false);
  }

  #interrupted(reason: unknown): void {
    if (!this.#open) return;
    if (reason instanceof JobTimeoutError) this.#failed(reason, 'timeout', reason.message, true);
    else {
      // An execution that was cancelled, lost or aborted by a shutdown is no error of the job
      // (ojs-distributed-tracing §8.1).
      this.#span.addEvent('ojs.job.interrupted', { reason: reason instanceof Error ? reason.message : String(reason) });
      this.#end(null);
    }
  }

  #failed(error: unknown, type: string, message: string, retryable: boolean): void {
    const { attempt, job } = this.#ctx;
    this.#instruments.failed.add(1, this.#labels);
    this.#span.setAttributes({ 'error.type': type, 'error.message': message, 'ojs.job.error.attempt': attempt });
    const isSecret = error instanceof ContractViolation && isEncoded(this.#ctx.meta);
    if (error instanceof Error && !isSecret) this.#span.recordException(error);
    this.#span.setStatus({ code: status.error, message });
    this.#end(retryable && attempt < job.maxAttempts ? 'retryable' : 'discarded');
  }

  #end(state: 'completed' | 'retryable' | 'discarded' | null): void {
    this.#open = false;
    this.#ctx.signal.removeEventListener('abort', this.#aborted);
    this.#instruments.busy.add(-1, { queue: this.#ctx.queue });
    if (state !== null) {
      this.#instruments.duration.record((performance.now() - this.#began) / 1000, { ...this.#labels, state });
      this.#span.setAttributes({ 'ojs.job.state': state });
    }
    this.#span.end();
  }

  /** The difference between two clocks, the server's and the worker's; at least zero. */
  #waited(): void {
    const { enqueuedAt, createdAt } = this.#ctx.job;
    const since = enqueuedAt ?? createdAt;
    if (since !== undefined)
      this.#instruments.queueTime.record(Math.max(0, Date.now() - since.getTime()) / 1000, this.#labels);
  }
}

function attributesOf(ctx: JobContext): Attributes {
  return compact({
    'messaging.system': 'ojs',
    'messaging.operation': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': ctx.queue,
    'messaging.message.id': ctx.jobId,
    'ojs.job.id': ctx.jobId,
    'ojs.job.type': ctx.jobType,
    'ojs.job.queue': ctx.queue,
    'ojs.job.attempt': ctx.attempt,
    'ojs.job.priority': ctx.job.priority,
    'ojs.job.scheduled_at': textOf(ctx.job.raw.scheduled_at),
    'ojs.worker.id': textOf(ctx.job.raw.worker_id),
    'ojs.workflow.id': ctx.workflowId,
  });
}
