import type { ExecutionMiddleware } from './types.ts';

/** Receives the figures of a worker. Errors of its methods are logged and change no outcome. */
export interface MetricsRecorder {
  jobStarted(jobType: string, queue: string): void;
  /** @param durationS Seconds. */
  jobCompleted(jobType: string, queue: string, durationS: number): void;
  /**
   * @param durationS Seconds. @param error The error of the handler. A snooze is no failure and is recorded as a
   * completion.
   */
  jobFailed(jobType: string, queue: string, durationS: number, error: unknown): void;
}

/**
 * Calls the recorder when an execution starts, completes or fails, with its duration in seconds. Errors of the recorder
 * change no outcome.
 */
export function metricsMiddleware(recorder: MetricsRecorder): ExecutionMiddleware {
  return async function metrics(context, next) {
    const { jobType, queue } = context;
    const record = (write: () => void) => {
      try {
        write();
      } catch (error) {
        context.log.error('metrics recorder failed: the job is not affected', { error: String(error) });
      }
    };
    record(() => recorder.jobStarted(jobType, queue));
    const from = performance.now();
    const seconds = () => (performance.now() - from) / 1000;
    try {
      const result = await next();
      record(() => recorder.jobCompleted(jobType, queue, seconds()));
      return result;
    } catch (error) {
      if (error instanceof Error && error.name === 'SnoozeError')
        record(() => recorder.jobCompleted(jobType, queue, seconds()));
      else record(() => recorder.jobFailed(jobType, queue, seconds(), error));
      throw error;
    }
  };
}
