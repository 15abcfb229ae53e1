import { OJSValidationError } from '../../errors.ts';
import { maxDepth } from '../../job/validate-request.ts';

/**
 * The schema of a job refuses its args or its result. Args stay the same in every attempt, so they discard the job.
 * Another attempt may return another result.
 */
export class ContractViolation extends OJSValidationError {
  static override readonly name: string = 'ContractViolation';
  readonly part: 'args' | 'result';
  readonly #value: unknown;

  /** @param value the refused value. */
  constructor(part: 'args' | 'result', cause: OJSValidationError, value: unknown) {
    super(`${misfit(part)}: ${cause.message}`, { issues: cause.issues, cause });
    this.part = part;
    this.#value = value;
  }

  /** The paths, and the reasons that quote nothing of the value, for logs (SDK-020). */
  get reasons(): string {
    return this.issues
      .map(({ path, message }) => (quotes(message, this.#value) ? path : `${path}: ${message}`))
      .join('; ');
  }

  /** The paths. */
  get places(): string {
    return this.issues.map(({ path }) => path).join(', ');
  }
}

export function misfit(part: 'args' | 'result'): string {
  return part === 'args'
    ? 'The args of the job do not fit its schema'
    : 'The result of the job does not fit its schema';
}

/** Validators shorten the values that they quote. Characters. */
const quotedCharacters = 8;

/**
 * A member's name may be a user's address. It counts only inside quotation marks: `Unrecognized key:
 * "ann@example.com"`.
 */
function quotesName(message: string, name: string): boolean {
  if (name === '') return false;
  return ['"', "'", '`'].some((mark) => message.includes(`${mark}${name.slice(0, quotedCharacters)}`));
}

/** Reports whether the message contains a text or a number of the value, or the beginning of one. */
function quotes(message: string, value: unknown, depth = 0): boolean {
  // A result may contain itself.
  if (depth > maxDepth) return true;
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).some(([key, inner]) => quotesName(message, key) || quotes(message, inner, depth + 1));
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return false;
  const text = String(value).slice(0, quotedCharacters);
  return text !== '' && message.includes(text);
}
