import type { JobContext } from '../worker/execution/context.ts';
import type { ExecutionMiddleware } from './types.ts';

/**
 * Calls `report` with the error of a job, awaits it, then throws the error on (ojs-middleware §8.1.4). Add it
 * outermost. A snooze is no failure and is not reported. An error of `report` is logged.
 */
export function errorReportingMiddleware(
  report: (error: unknown, context: JobContext) => unknown,
): ExecutionMiddleware {
  return async function errorReporting(context, next) {
    try {
      return await next();
    } catch (error) {
      if (!(error instanceof Error && error.name === 'SnoozeError')) await callReport(report, error, context);
      throw error;
    }
  };
}

async function callReport(
  report: (error: unknown, context: JobContext) => unknown,
  error: unknown,
  context: JobContext,
): Promise<void> {
  try {
    await report(error, context);
  } catch (failure) {
    context.log.error('error report failed', { error: String(failure) });
  }
}
