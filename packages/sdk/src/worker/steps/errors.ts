import { stepLimits, undoPrefix } from '@ojs-ts/core/durable';
import { type ErrorContext, OJSError, OJSValidationError, SnoozeError } from '../../errors.ts';
import { quoted } from '../../json.ts';
import type { Child } from './types.ts';

/**
 * All tries of a step have failed. The failure is recorded, so every later execution of the job gets the same error. A
 * handler that does not catch it fails its job for good.
 */
export class StepError extends OJSError {
  static override readonly name: string = 'StepError';
  /** The name of the step. */
  readonly step: string;
  readonly attempts: number;
  /** The type of the last error, such as `TypeError` or the `code` of the error. */
  readonly type: string;

  constructor(message: string, step: string, attempts: number, type: string, context: ErrorContext = {}) {
    super(message, context);
    this.step = step;
    this.attempts = attempts;
    this.type = type;
  }
}

/** Steps could not be undone: their undo failed in all tries, or the handler does not have them any more. */
export class UndoError extends OJSError {
  static override readonly name: string = 'UndoError';
  readonly steps: readonly string[];
  /** Steps that the handler does not have. A worker with other code may have them, so the job is tried again. */
  readonly missing: readonly string[];

  constructor(failed: readonly string[], missing: readonly string[], context: ErrorContext = {}) {
    const parts = [
      ...(failed.length > 0 ? [`the undo of ${listed(failed)} failed`] : []),
      ...(missing.length > 0 ? [`the handler has no undo for ${listed(missing)}`] : []),
    ];
    super(`Some steps are not undone: ${parts.join(', and ')}.`, context);
    this.steps = [...failed, ...missing];
    this.missing = missing;
  }
}

function listed(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return `${names.slice(0, 5).map(quoted).join(', ')}${more}`;
}

/** A step has a name that cannot be used, or one that this execution has used before. */
export class StepNameError extends OJSValidationError {
  static override readonly name: string = 'StepNameError';
}

/** A durable call inside of the function of a step, where the job could not wait. */
export class StepNestedError extends OJSError {
  static override readonly name: string = 'StepNestedError';
}

/** The name is recorded for a call of another kind, for example by an earlier version of the handler. */
export class StepKindError extends OJSError {
  static override readonly name: string = 'StepKindError';
}

/** The server cannot record the step. The job fails for good, because a retry would meet the same limit. */
export class StepLimitError extends OJSError {
  static override readonly name: string = 'StepLimitError';
  readonly code: 'step_too_large' | 'too_many_steps';

  constructor(code: StepLimitError['code'], message: string, context: ErrorContext = {}) {
    super(message, context);
    this.code = code;
  }
}

/** Another job waits for the token of `ctx.wait()`. A token has one waiter. */
export class TokenTakenError extends OJSError {
  static override readonly name: string = 'TokenTakenError';
  readonly token: string;
  /** The job that waits. */
  readonly ownerJobId: string | undefined;

  constructor(token: string, ownerJobId: string | undefined, context: ErrorContext = {}) {
    const owner = ownerJobId === undefined ? 'Another job' : `The job ${ownerJobId}`;
    const advice = 'A token names one thing that is waited for: put the id of that thing into it.';
    super(`${owner} waits for the token ${quoted(token)}, which can have one waiter. ${advice}`, context);
    this.token = token;
    this.ownerJobId = ownerJobId;
  }
}

/**
 * `next()` of a middleware rejects with it when the job is suspended: the handler waits in a durable call, and the job
 * continues in another execution. It is no failure.
 */
export class Suspended extends SnoozeError {
  /** The names of the open waits. */
  readonly waits: readonly string[];

  constructor(afterMs: number, waits: readonly string[]) {
    super(afterMs);
    this.message = `suspended, waiting for ${waits.join(', ')}`;
    this.waits = waits;
  }
}

/** @throws {StepNameError} */
export function checkStepName(name: unknown, used: ReadonlySet<string>): asserts name is string {
  if (typeof name !== 'string' || name.length === 0 || name.length > stepLimits.name) {
    const got = typeof name === 'string' ? `${name.length} characters` : quoted(name);
    throw new StepNameError(`A step needs a name of 1 to ${stepLimits.name} characters, got ${got}.`);
  }
  if (name.startsWith(undoPrefix))
    throw new StepNameError(`A name must not begin with ${quoted(undoPrefix)}, got ${quoted(name)}.`);
  if (!used.has(name)) return;
  throw new StepNameError(
    `The step ${quoted(name)} was used before in this execution. Each name is used once; ` +
      `in a loop, put the id of the item into the name, such as ${quoted(`${name} 42`)}.`,
  );
}

/** A job that `ctx.run()` has started did not complete. */
export class ChildError extends OJSError {
  static override readonly name: string = 'ChildError';
  readonly child: Child;

  constructor(step: string, child: Child, context: ErrorContext = {}) {
    const why = child.error?.message === undefined ? '' : `: ${String(child.error.message)}`;
    super(`The job ${child.id} of the step "${step}" is ${child.state}${why}`, context);
    this.child = child;
  }
}
