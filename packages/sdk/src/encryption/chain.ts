import type { NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import { checkNames } from '../options/check-names.ts';
import { GzipCodec } from './gzip.ts';
import { CodecError, type Payload, type PayloadCodec, plain } from './payload.ts';

/** Bytes after a chain of codecs. */
export interface Encoded {
  readonly data: Uint8Array;
  /** The encodings in the order in which they were applied. */
  readonly encodings: readonly string[];
  readonly keyId: string | undefined;
}

/** Options of a {@link CodecChain}. */
export interface CodecChainOptions {
  /** Codecs for decoding only, for example those of an earlier chain. */
  readers?: readonly PayloadCodec[] | undefined;
}

const chainNames: NamesOf<CodecChainOptions> = { readers: true };

/**
 * A list of codecs, applied in order: compress first, then encrypt (ojs-encryption §8). It decodes any order of its
 * codecs, and gzip.
 */
export class CodecChain {
  readonly #codecs: readonly PayloadCodec[];
  readonly #readers = new Map<string, PayloadCodec>();

  constructor(codecs: readonly PayloadCodec[], options: CodecChainOptions = {}) {
    checkNames(options, chainNames);
    if (codecs.length === 0) throw OJSValidationError.of('codecs', 'expected at least one codec, got []');
    this.#codecs = [...codecs];
    for (const codec of [new GzipCodec(), ...(options.readers ?? []), ...codecs])
      this.#readers.set(codec.encoding, codec);
  }

  /** Applies every codec in order. */
  async encode(data: Uint8Array): Promise<Encoded> {
    let payload: Payload = { data, metadata: { encoding: plain } };
    let keyId: string | undefined;
    const encodings: string[] = [];
    for (const codec of this.#codecs) {
      const coded = await codec.encode(payload);
      if (coded === payload) continue;
      encodings.push(codec.encoding);
      keyId = coded.metadata.encryption_key_id ?? keyId;
      payload = coded;
    }
    return { data: payload.data, encodings, keyId };
  }

  /** @throws {CodecError} for an unknown encoding or key, and for bytes that cannot be decoded. */
  async decode({ data, encodings, keyId }: Encoded): Promise<Uint8Array> {
    let bytes = data;
    for (const encoding of encodings.toReversed()) {
      const codec = this.#readers.get(encoding);
      if (codec === undefined) {
        const encodings = [...this.#readers.keys()].join(', ');
        throw new CodecError(
          'unknown_encoding',
          `There is no codec for the encoding ${JSON.stringify(encoding)}; expected one of ${encodings}.`,
        );
      }
      bytes = (
        await codec.decode({
          data: bytes,
          metadata: { encoding, ...(keyId !== undefined && { encryption_key_id: keyId }) },
        })
      ).data;
    }
    return bytes;
  }
}
