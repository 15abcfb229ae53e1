import { OJSValidationError } from '../errors.ts';

/**
 * The schema of a job refuses its args or its result. Args do not get better by another attempt, so they discard the job; another attempt may well
 * give another result.
 */
export class ContractViolation extends OJSValidationError {
  static override readonly name: string = 'ContractViolation';
  readonly part: 'args' | 'result';

  constructor(part: 'args' | 'result', cause: OJSValidationError) {
    super(`The ${part} of the job do not fit its schema: ${cause.message}`, { issues: cause.issues, cause });
    this.part = part;
  }

  /** For logs: the words of a validator may quote the value. */
  get places(): string {
    return this.issues.map(({ path }) => path).join(', ');
  }
}
