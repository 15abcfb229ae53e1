import { type ErrorContext, OJSError } from '../errors.ts';

/** Bytes, and which codec they went through (ojs-encryption §5.1). On the wire `data` is base64. */
export interface Payload {
  readonly data: Uint8Array;
  readonly metadata: {
    /** `json/plain` before the first codec. */
    readonly encoding: string;
    readonly encryption_key_id?: string;
  };
}

/** One reversible transformation of payloads (ENC-001). */
export interface PayloadCodec {
  /** Its name in `ojs.codec.encodings`, such as `binary/encrypted`. */
  readonly encoding: string;
  /** Returns the same payload if the transformation would not help. The chain then omits this codec. */
  encode(payload: Payload): Promise<Payload>;
  /** @throws {CodecError} if the payload cannot be decoded. */
  decode(payload: Payload): Promise<Payload>;
}

export const plain = 'json/plain';

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
