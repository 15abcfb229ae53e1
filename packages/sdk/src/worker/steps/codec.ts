/** Encodes what leaves the process, and decodes what comes back. An encryption middleware sets it. */
export interface StepCodec {
  encode(value: unknown): Promise<unknown>;
  /** A value that is not encoded is returned unchanged. */
  decode(value: unknown): Promise<unknown>;
}

export const plain: StepCodec = { encode: async (value) => value, decode: async (value) => value };
