import type { NamesOf } from '@ojs-ts/core';
import { consoleLogger, guarded, type Logger } from '../connection/logger.ts';
import { OJSValidationError } from '../errors.ts';
import { checkNames } from '../options/check-names.ts';
import { isOver } from '../worker/execution/context.ts';
import { failureFields, markLogged } from '../worker/execution/failure-log.ts';
import { giveBackFor, isEncoded } from '../worker/execution/outcome.ts';
import type { EnqueueMiddleware, ExecutionMiddleware } from './types.ts';

/** Level and logger. */
export interface LoggingOptions {
  /** The level of lines about start and success. Default: `info`. Failures have the level `error`. */
  logLevel?: keyof Logger | undefined;
  /** Default: the logger of the worker; for enqueue middleware the console. */
  customLogger?: Logger | undefined;
}

export const loggingNames: NamesOf<LoggingOptions> = { logLevel: true, customLogger: true };

/**
 * Logs one line when a job starts and one when it ends, with the fields of ojs-middleware §8.1.1, but never args, meta
 * or results. Its line about a failure replaces the line of the worker. An execution that was cancelled, lost or
 * aborted before its handler ended counts as no failure.
 * @throws {OJSValidationError} for an unknown option.
 */
export function loggingMiddleware(options: LoggingOptions = {}): ExecutionMiddleware {
  const level = levelOf(options);
  const own = options.customLogger && guarded(options.customLogger);
  return async function logging(context, next) {
    const log = own ?? context.log;
    const about = { job_id: context.jobId, job_type: context.jobType, queue: context.queue, attempt: context.attempt };
    log[level]('job started', about);
    const from = performance.now();
    const ended = (status: string) => ({ ...about, duration_ms: Math.round(performance.now() - from), status });
    try {
      const result = await next();
      if (isOver(context)) log[level]('job interrupted', ended('interrupted'));
      else log[level]('job completed', ended('completed'));
      return result;
    } catch (error) {
      const isSecret = isEncoded(context.meta);
      const { failure, requeue } = giveBackFor(error, isSecret);
      if (isOver(context)) log[level]('job interrupted', ended('interrupted'));
      else if (requeue) log[level]('job snoozed', ended('snoozed'));
      else {
        const status = failure.code === 'timeout' ? 'timeout' : 'failed';
        const { error_message: message, ...fields } = failureFields(failure, error, isSecret);
        log.error('job failed', { ...ended(status), error: message, ...fields });
        markLogged(context, error);
      }
      throw error;
    }
  };
}

/** A line for every job that is enqueued, dropped by a middleware inside, or refused. @throws {OJSValidationError} */
export function enqueueLoggingMiddleware(options: LoggingOptions = {}): EnqueueMiddleware {
  const level = levelOf(options);
  const log: Logger = guarded(options.customLogger ?? consoleLogger());
  return async function logging(request, next) {
    const about = { job_type: request.type, queue: request.queue ?? 'default' };
    try {
      const job = await next(request);
      if (job === null) log[level]('job dropped', { ...about, status: 'dropped' });
      else log[level]('job enqueued', { job_id: job.id, ...about, status: job.state });
      return job;
    } catch (error) {
      log.error('job not enqueued', {
        ...about,
        status: 'failed',
        error: error instanceof Error ? error.message : 'unknown',
      });
      throw error;
    }
  };
}

function levelOf(options: LoggingOptions): keyof Logger {
  checkNames(options, loggingNames);
  const { logLevel = 'info' } = options;
  if (['debug', 'info', 'warn', 'error'].includes(logLevel)) return logLevel;
  throw OJSValidationError.of(
    'logLevel',
    `expected 'debug', 'info', 'warn' or 'error', got ${JSON.stringify(logLevel)}`,
  );
}
