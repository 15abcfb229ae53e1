import { DiscardError, JobTimeoutError, SnoozeError } from '../../errors.ts';
import { compact, wireOf } from '../../json.ts';
import type { Duration } from '../../options/duration.ts';
import { durationMs } from '../../options/values.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import { StepError, StepLimitError, UndoError } from '../steps/errors.ts';
import { ContractViolation, misfit } from './contract-violation.ts';
import { ResultError, resultText } from './result.ts';

/** The error object of a nack. */
export interface Failure {
  readonly code: string;
  readonly type: string;
  readonly message: string;
  readonly retryable?: boolean;
  readonly response_code?: 'DISCARD';
  readonly details?: Readonly<Record<string, unknown>>;
  readonly backtrace?: readonly string[];
}

export interface GiveBack {
  readonly failure: Failure;
  /** The job goes back to its queue without counting the attempt. */
  readonly requeue?: boolean;
  /** With `requeue`: the delay until the job is available again, in milliseconds. */
  readonly delayMs?: number;
}

/** ojs-errors §6.2: at most 50 frames and 10,000 characters. */
const maxFrames = 50;
const maxCharacters = 10_000;
const maxIssues = 50;

function head(leased: LeasedJob): string {
  return `{"job_id":${JSON.stringify(leased.id)}${leased.lease === undefined ? '' : `,"x_lease":${JSON.stringify(leased.lease)}`}`;
}

/**
 * The ack of a job as an item of an exchange.
 * @throws {ResultError} for a result that cannot be sent; never for undefined.
 */
export function ackEntry(leased: LeasedJob, result: unknown, maxResultBytes?: number): string {
  return result === undefined ? `${head(leased)}}` : `${head(leased)},"result":${resultText(result, maxResultBytes)}}`;
}

export function nackEntry(leased: LeasedJob, { failure, requeue, delayMs }: GiveBack): string {
  const rest = JSON.stringify(compact({ error: failure, requeue, delay_ms: delayMs }));
  return `${head(leased)},${rest.slice(1)}`;
}

/** The nack of a job whose handler waits. */
export function suspensionEntry(leased: LeasedJob, suspension: Readonly<Record<string, readonly object[]>>): string {
  const lists = Object.entries(suspension).filter(([, list]) => list.length > 0);
  return `${head(leased)},${JSON.stringify({ requeue: true, ...Object.fromEntries(lists) }).slice(1)}`;
}

/**
 * The outcome for a thrown value. Never throws.
 * @param isEncoded whether the job's args are encoded. Then messages of a schema are left out, because they may quote
 * args.
 */
export function giveBackFor(thrown: unknown, isEncoded = false): GiveBack {
  try {
    return readThrown(thrown, isEncoded);
  } catch {
    return { failure: unreadable };
  }
}

function readThrown(thrown: unknown, isEncoded: boolean): GiveBack {
  if (isSnooze(thrown)) {
    const delayMs = snoozeMs(thrown.after);
    // A server without `requeue` counts the attempt as failed, but runs the job again.
    const failure = { code: 'snooze', type: 'SnoozeError', message: thrown.message, retryable: true };
    if (delayMs !== null) return { failure, requeue: true, delayMs };
  }
  if (thrown instanceof ContractViolation) {
    const failure = {
      code: 'validation',
      type: 'validation',
      message: cut(isEncoded ? `${misfit(thrown.part)}: ${thrown.places}` : thrown.message),
      details: { issues: thrown.issues.slice(0, maxIssues).map((issue) => (isEncoded ? { path: issue.path } : issue)) },
    };
    return { failure: thrown.part === 'args' ? { ...failure, ...forGood } : failure };
  }
  if (thrown instanceof ResultError) {
    const { code, message, issues } = thrown;
    return { failure: { code, type: code, message: cut(message), retryable: false, details: { issues } } };
  }
  // Its outcome is recorded, so a retry would meet it again.
  if (thrown instanceof StepError) {
    const { step, attempts, type } = thrown;
    const failure = { ...describe(thrown), type, retryable: false, details: { step, step_attempts: attempts } };
    return { failure: isEncoded ? { ...failure, message: `The step "${step}" failed in try ${attempts}.` } : failure };
  }
  const isFinal = thrown instanceof StepLimitError || (thrown instanceof UndoError && thrown.missing.length === 0);
  if (isFinal) return { failure: { ...describe(thrown), retryable: false } };
  if (isTimeout(thrown)) return { failure: timeoutFailure(thrown.message, thrown.timeoutMs) };
  const failure = describe(thrown);
  return isDiscard(thrown) ? { failure: { ...failure, ...forGood } } : { failure };
}

const unreadable: Failure = {
  code: 'handler_error',
  type: 'NonError',
  message: 'The handler threw a value that cannot be read.',
};

/** The args, or the result, are encoded (ojs-encryption §5.3). */
export function isEncoded(meta: unknown): boolean {
  return wireOf(meta)?.['ojs.codec.encodings'] !== undefined;
}

const forGood = { retryable: false, response_code: 'DISCARD' } as const;

/** The failure of an execution that took too long, by the job's own limit or a middleware's (ojs-timeouts). */
export function timeoutFailure(message: string, limitMs: number, elapsedMs?: number): Failure {
  const elapsed = elapsedMs === undefined ? {} : { elapsed_seconds: Math.round(elapsedMs) / 1000 };
  return {
    code: 'timeout',
    type: 'timeout',
    message,
    details: { timeout_kind: 'execution', limit_seconds: limitMs / 1000, ...elapsed },
  };
}

function isTimeout(thrown: unknown): thrown is JobTimeoutError {
  if (thrown instanceof JobTimeoutError) return true;
  return (
    thrown instanceof Error &&
    thrown.name === 'JobTimeoutError' &&
    'timeoutMs' in thrown &&
    typeof thrown.timeoutMs === 'number'
  );
}

/** By name too: the class may come from another copy of this package. */
function isDiscard(thrown: unknown): boolean {
  return thrown instanceof DiscardError || (thrown instanceof Error && thrown.name === 'DiscardError');
}

function isSnooze(thrown: unknown): thrown is SnoozeError {
  return (
    thrown instanceof SnoozeError || (thrown instanceof Error && thrown.name === 'SnoozeError' && 'after' in thrown)
  );
}

function snoozeMs(after: Duration): number | null {
  try {
    return durationMs(after, 'after');
  } catch {
    return null;
  }
}

function describe(thrown: unknown): Failure {
  try {
    if (thrown instanceof Error) {
      const backtrace = frames(thrown.stack);
      return compact({ code: 'handler_error', type: typeOf(thrown), message: cut(String(thrown.message)), backtrace });
    }
    return { code: 'handler_error', type: 'NonError', message: cut(`The handler threw ${textOf(thrown)}`) };
  } catch {
    return unreadable;
  }
}

function cut(text: string): string {
  return text.slice(0, maxCharacters);
}

/**
 * A string `code` (ENOENT, not_found) says more than the class. A class without a `name` has its constructor's name.
 */
function typeOf(error: Error): string {
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code;
  if (typeof error.name === 'string' && error.name !== '' && error.name !== 'Error') return error.name;
  return error.constructor.name || 'Error';
}

function textOf(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null ? JSON.stringify(thrown) : String(thrown);
}

function frames(stack: unknown): readonly string[] | undefined {
  if (typeof stack !== 'string') return undefined;
  const kept: string[] = [];
  let left = maxCharacters;
  for (const line of stack.split('\n', maxFrames + 20).map((text) => text.trim())) {
    if (!line.startsWith('at ')) continue;
    left -= line.length;
    if (left < 0 || kept.length === maxFrames) break;
    kept.push(line);
  }
  return kept;
}
