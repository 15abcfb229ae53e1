export { opentelemetryEnqueueMiddleware } from './enqueue.ts';
export { opentelemetryMiddleware } from './execution.ts';
export type { OpenTelemetryOptions } from './telemetry.ts';
