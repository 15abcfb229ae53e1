import { OJSValidationError } from '../errors.ts';
import { guarded, type Logger } from '../logger.ts';
import { ContractViolation } from '../worker/violation.ts';
import type { EnqueueMiddleware, ExecutionMiddleware } from './types.ts';

/** How loud, and where to. */
export interface LoggingOptions {
  /** Of the lines about beginning and success; default `info`. Failures are errors always. */
  logLevel?: keyof Logger;
  /** Default: the worker's own logger; on enqueueing the console. */
  customLogger?: Logger;
}

/** A line when a job begins and one when it ends, with the fields of ojs-middleware §8.1.1. Never args, meta or results. @throws {OJSValidationError} */
export function loggingMiddleware(options: LoggingOptions = {}): ExecutionMiddleware {
  const level = levelOf(options);
  const own = options.customLogger && guarded(options.customLogger);
  return async function logging(context, next) {
    const log = own ?? context.log;
    const about = { job_id: context.jobId, job_type: context.jobType, queue: context.queue, attempt: context.attempt };
    log[level]('The job begins.', about);
    const from = performance.now();
    const ended = (status: string) => ({ ...about, duration_ms: Math.round(performance.now() - from), status });
    try {
      const result = await next();
      log[level]('The job has completed.', ended('completed'));
      return result;
    } catch (error) {
      if (error instanceof Error && error.name === 'SnoozeError') {
        log[level]('The job is snoozed.', ended('snoozed'));
        throw error;
      }
      const timeout = error instanceof Error && error.name === 'JobTimeoutError';
      log.error('The job failed.', { ...ended(timeout ? 'timeout' : 'failed'), error: wordsOf(error) });
      throw error;
    }
  };
}

/** A line for every job that is enqueued, dropped by a middleware inside, or refused. @throws {OJSValidationError} */
export function enqueueLoggingMiddleware(options: LoggingOptions = {}): EnqueueMiddleware {
  const level = levelOf(options);
  const log: Logger = guarded(options.customLogger ?? console);
  return async function logging(request, next) {
    const about = { job_type: request.type, queue: request.queue ?? 'default' };
    try {
      const job = await next(request);
      if (job === null) log[level]('The job was dropped by a middleware.', { ...about, status: 'dropped' });
      else log[level]('The job is enqueued.', { job_id: job.id, ...about, status: job.state });
      return job;
    } catch (error) {
      log.error('The job could not be enqueued.', {
        ...about,
        status: 'failed',
        error: error instanceof Error ? error.message : 'unknown',
      });
      throw error;
    }
  };
}

/** Not of a schema: those may quote an argument. */
function wordsOf(error: unknown): string {
  if (error instanceof ContractViolation) return `${error.part} that the schema refuses: ${error.places}`;
  return error instanceof Error ? error.message : typeof error;
}

function levelOf({ logLevel = 'info' }: LoggingOptions): keyof Logger {
  if (['debug', 'info', 'warn', 'error'].includes(logLevel)) return logLevel;
  throw OJSValidationError.of('logLevel', `expected 'debug', 'info', 'warn' or 'error', got ${JSON.stringify(logLevel)}`);
}
