export { withArgs } from '../worker/execution/context-with-args.ts';
export type { MiddlewareChain } from './chain.ts';
export { addDefaultMiddleware, type DefaultMiddlewareOptions } from './defaults.ts';
export { errorReportingMiddleware } from './error-reporting.ts';
export { enqueueLoggingMiddleware, type LoggingOptions, loggingMiddleware } from './logging.ts';
export { type MetricsRecorder, metricsMiddleware } from './metrics.ts';
export { type RetryOptions, retryMiddleware } from './retry.ts';
export { timeoutMiddleware } from './timeout.ts';
export {
  type TraceContext,
  traceContextEnqueueMiddleware,
  traceContextKey,
  traceContextMiddleware,
  traceContextOf,
} from './trace-context.ts';
export type { EnqueueMiddleware, EnqueueNext, ExecutionMiddleware, ExecutionNext } from './types.ts';
