import type { JobRequest } from '../job/definition.ts';
import { compact } from '../json.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import { giveBackFor } from '../worker/execution/outcome.ts';
import { type Attributes, kind, status } from './api.ts';
import { type OpenTelemetryOptions, telemetryOf } from './telemetry.ts';
import { metaWith, spanContextIn } from './trace-context.ts';

/**
 * Records a PRODUCER span `{queue} enqueue` for each job, and the metrics `ojs.job.enqueued` and
 * `ojs.job.enqueue_duration` (seconds). The span's context travels in the job's `meta` (ojs-observability §5.1, §6.1).
 * Add it first, so that it encloses the other middleware. Without an active span, a `traceparent` in `meta`, as of an
 * HTTP request, is the parent.
 * @throws {OJSError} if `@opentelemetry/api` is not installed.
 */
export function opentelemetryEnqueueMiddleware(options: OpenTelemetryOptions = {}): EnqueueMiddleware {
  const telemetry = telemetryOf(options);
  return async function opentelemetry(request, next) {
    const { api, tracer, instruments } = await telemetry();
    const queue = request.queue ?? 'default';
    const began = performance.now();
    const active = api.context.active();
    const sent = api.trace.getSpanContext(active) === undefined ? spanContextIn(api, request.meta ?? {}) : undefined;
    const parent = sent === undefined ? active : api.trace.setSpanContext(active, sent);
    const span = tracer.startSpan(
      `${queue} enqueue`,
      { kind: kind.producer, attributes: attributesOf(request, queue) },
      parent,
    );
    const context = api.trace.setSpan(parent, span);
    try {
      const meta = metaWith(api, request.meta ?? {}, context);
      const job = await api.context.with(context, () => next({ ...request, meta }));
      if (job !== null) {
        span.setAttributes({ 'ojs.job.id': job.id, 'messaging.message.id': job.id, 'ojs.job.state': job.state });
        instruments.enqueued.add(1, { queue, type: request.type });
      }
      span.setStatus({ code: status.ok });
      return job;
    } catch (error) {
      const { type, message } = giveBackFor(error).failure;
      span.setAttributes({ 'error.type': type, 'error.message': message });
      if (error instanceof Error) span.recordException(error);
      span.setStatus({ code: status.error, message });
      throw error;
    } finally {
      instruments.enqueueDuration.record((performance.now() - began) / 1000, { queue });
      span.end();
    }
  };
}

function attributesOf(request: JobRequest, queue: string): Attributes {
  return compact({
    'messaging.system': 'ojs',
    'messaging.operation': 'publish',
    'messaging.operation.type': 'publish',
    'messaging.destination.name': queue,
    'messaging.message.id': request.id,
    'ojs.job.id': request.id,
    'ojs.job.type': request.type,
    'ojs.job.queue': queue,
    'ojs.job.priority': request.priority,
  });
}
