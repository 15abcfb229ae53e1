import type { NamesOf } from '@ojs-ts/core';
import { checkNames } from '../options/check-names.ts';
import type { Duration } from '../options/duration.ts';
import type { JobContext } from '../worker/execution/context.ts';
import type { MiddlewareChain } from './chain.ts';
import { errorReportingMiddleware } from './error-reporting.ts';
import { type LoggingOptions, loggingMiddleware, loggingNames } from './logging.ts';
import { type MetricsRecorder, metricsMiddleware } from './metrics.ts';
import { timeoutMiddleware } from './timeout.ts';
import type { ExecutionMiddleware } from './types.ts';

/** Selects the parts of the recommended chain to add. */
export interface DefaultMiddlewareOptions {
  /** Options of the logging middleware. */
  logging?: LoggingOptions | undefined;
  /** Default: no metrics middleware. */
  metrics?: MetricsRecorder | undefined;
  /** Default: no error reporting. */
  report?: ((error: unknown, context: JobContext) => unknown) | undefined;
  /** A limit for every job, beside its own timeout. Default: none. */
  timeout?: Duration | undefined;
}

const defaultNames: NamesOf<DefaultMiddlewareOptions> = {
  logging: loggingNames,
  metrics: true,
  report: true,
  timeout: true,
};

/**
 * Adds the chain that ojs-middleware §8.2 recommends, in its order: `logging`, then `metrics`, `errorReporting` and
 * `timeout` if they are given. `worker.middlewares.names` lists them, and each can be replaced by its name.
 */
export function addDefaultMiddleware(
  chain: MiddlewareChain<ExecutionMiddleware>,
  options: DefaultMiddlewareOptions = {},
): void {
  checkNames(options, defaultNames);
  chain.add(loggingMiddleware(options.logging), 'logging');
  if (options.metrics !== undefined) chain.add(metricsMiddleware(options.metrics), 'metrics');
  if (options.report !== undefined) chain.add(errorReportingMiddleware(options.report), 'errorReporting');
  if (options.timeout !== undefined) chain.add(timeoutMiddleware(options.timeout), 'timeout');
}
