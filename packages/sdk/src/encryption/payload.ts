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
