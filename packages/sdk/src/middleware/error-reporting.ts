import type { JobContext } from '../worker/context.ts';
import type { ExecutionMiddleware } from './types.ts';

/**
 * Hands what a job throws to `report`, then throws it on (ojs-middleware §8.1.4). Best outermost. Not called for a snooze, which is no failure. It
 * waits for `report`; what that throws is logged and takes no error's place.
 */
export function errorReportingMiddleware(
  report: (error: unknown, context: JobContext) => unknown,
): ExecutionMiddleware {
  return async function errorReporting(context, next) {
    try {
      return await next();
    } catch (error) {
      if (!(error instanceof Error && error.name === 'SnoozeError')) await tell(report, error, context);
      throw error;
    }
  };
}

async function tell(
  report: (error: unknown, context: JobContext) => unknown,
  error: unknown,
  context: JobContext,
): Promise<void> {
  try {
    await report(error, context);
  } catch (failure) {
    context.log.error('An error could not be reported.', { error: String(failure) });
  }
}
