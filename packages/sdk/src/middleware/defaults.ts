import type { NamesOf } from '@ojs-ts/core';
import type { Duration } from '../options/duration.ts';
import { known } from '../options/known.ts';
import type { JobContext } from '../worker/context.ts';
import type { MiddlewareChain } from './chain.ts';
import { errorReportingMiddleware } from './error-reporting.ts';
import { type LoggingOptions, loggingMiddleware, loggingNames } from './logging.ts';
import { type MetricsRecorder, metricsMiddleware } from './metrics.ts';
import { timeoutMiddleware } from './timeout.ts';
import type { ExecutionMiddleware } from './types.ts';

/** What of the recommended chain is wanted, and how. */
export interface DefaultMiddlewareOptions {
  /** Of the logging middleware. */
  logging?: LoggingOptions | undefined;
  /** Left out: no metrics middleware. */
  metrics?: MetricsRecorder | undefined;
  /** Left out: no error reporting. */
  report?: ((error: unknown, context: JobContext) => unknown) | undefined;
  /** Beside each job's own timeout. */
  timeout?: Duration | undefined;
}

const defaultNames: NamesOf<DefaultMiddlewareOptions> = {
  logging: loggingNames,
  metrics: true,
  report: true,
  timeout: true,
};

/**
 * Adds the chain that ojs-middleware §8.2 recommends, in its order: `logging`, and, as far as they are given, `metrics`, `errorReporting`, `timeout`.
 * `worker.middlewares.names` shows it, and each may be replaced by its name.
 */
export function addDefaultMiddleware(
  chain: MiddlewareChain<ExecutionMiddleware>,
  options: DefaultMiddlewareOptions = {},
): void {
  known(options, defaultNames);
  chain.add(loggingMiddleware(options.logging), 'logging');
  if (options.metrics !== undefined) chain.add(metricsMiddleware(options.metrics), 'metrics');
  if (options.report !== undefined) chain.add(errorReportingMiddleware(options.report), 'errorReporting');
  if (options.timeout !== undefined) chain.add(timeoutMiddleware(options.timeout), 'timeout');
}
