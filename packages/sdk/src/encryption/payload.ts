/** Bytes and what was done to them (ojs-encryption §5.1). On the wire `data` is base64. */
export interface Payload {
  readonly data: Uint8Array;
  readonly metadata: {
    /** `json/plain` before anything was done. */
    readonly encoding: string;
    readonly encryption_key_id?: string;
  };
}

/** One transformation of payloads (ENC-001). */
export interface PayloadCodec {
  /** Its name in `ojs.codec.encodings`, such as `binary/encrypted`. */
  readonly encoding: string;
  /** Answers the same payload where it would not help: then it is left out of the chain. */
  encode(payload: Payload): Promise<Payload>;
  /** @throws {CodecError} */
  decode(payload: Payload): Promise<Payload>;
}

export const plain = 'json/plain';
