import type { Logger } from '../../connection/logger.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import type { JobContext } from './context.ts';
import { ContractViolation, misfit } from './contract-violation.ts';
import { type Failure, isEncoded } from './outcome.ts';

/** A key in `locals`. Registered process-wide, because a middleware may come from another copy of this package. */
const loggedFailure = Symbol.for('@ojs-ts/sdk.loggedFailure');

/** A middleware has logged this error of the execution, so the worker does not log it again. */
export function markLogged(context: JobContext, error: unknown): void {
  context.locals.set(loggedFailure, { error });
}

/** The line of a failed attempt, unless a middleware has written it. */
export function logFailure(
  logger: Logger,
  leased: LeasedJob,
  failure: Failure,
  error: unknown,
  context?: JobContext,
): void {
  if (context !== undefined && isLogged(context, error)) return;
  logger.warn('job failed', {
    job_id: leased.id,
    job_type: leased.wire.type,
    queue: leased.wire.queue,
    attempt: leased.wire.attempt,
    ...failureFields(failure, error, isEncoded(leased.wire.meta)),
  });
}

/**
 * The fields of a failure that a log may have. Messages of a schema are included only if they quote no value, and never
 * for encoded args.
 */
export function failureFields(
  { type, message, backtrace }: Failure,
  error: unknown,
  isSecret: boolean,
): { readonly error_type: string; readonly error_message: string; readonly error_backtrace?: string } {
  return {
    error_type: type,
    error_message: reasonsIn(error, isSecret) ?? message,
    ...(backtrace !== undefined && { error_backtrace: backtrace.join('\n') }),
  };
}

function isLogged(context: JobContext, error: unknown): boolean {
  const logged: unknown = context.locals.get(loggedFailure);
  return typeof logged === 'object' && logged !== null && 'error' in logged && Object.is(logged.error, error);
}

/** Undefined unless a schema has refused a value. */
function reasonsIn(error: unknown, isSecret: boolean): string | undefined {
  try {
    return error instanceof ContractViolation
      ? `${misfit(error.part)}: ${isSecret ? error.places : error.reasons}`
      : undefined;
  } catch {
    return undefined;
  }
}
