import { type ErrorContext, OJSError } from '../errors.ts';

/** Why a payload cannot be read; the type of the failure. */
export type CodecErrorCode = 'unknown_key' | 'unknown_encoding' | 'decryption_failed' | 'malformed_payload';

/**
 * A payload cannot be read. In a worker it fails the execution with its code as the error's type, and the job's retry
 * policy decides: a worker with the right keys may come, so nothing is discarded on the spot. Neither message nor cause
 * has anything of the payload.
 */
export class CodecError extends OJSError {
  static override readonly name: string = 'CodecError';
  readonly code: CodecErrorCode;

  constructor(code: CodecErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context);
    this.code = code;
  }
}
