import { type ErrorContext, OJSError } from '../errors.ts';

/** Why a payload cannot be decoded. It is also the error type of the failed execution. */
export type CodecErrorCode = 'unknown_key' | 'unknown_encoding' | 'decryption_failed' | 'malformed_payload';

/**
 * A payload cannot be decoded. In a worker the execution fails with the code as its error type, and the job's retry
 * policy decides. The job is not discarded at once, because another worker may have the right key. Neither message nor
 * cause contains any of the payload.
 */
export class CodecError extends OJSError {
  static override readonly name: string = 'CodecError';
  readonly code: CodecErrorCode;

  constructor(code: CodecErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context);
    this.code = code;
  }
}
