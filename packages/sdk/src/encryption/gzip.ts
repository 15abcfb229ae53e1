import type { NamesOf } from '@ojs-ts/core';
import { checkNames } from '../options/check-names.ts';
import { CodecError, type Payload, type PayloadCodec, plain } from './payload.ts';

/** Options of a {@link GzipCodec}. */
export interface GzipOptions {
  /** Payloads below this size in bytes are not compressed. Default: 1,024 (ojs-encryption §7.2). */
  minBytes?: number | undefined;
  /** The largest decompressed payload in bytes. Default: 64 MiB. A few KB of gzip can expand to gigabytes. */
  maxBytes?: number | undefined;
}

const gzipNames: NamesOf<GzipOptions> = { minBytes: true, maxBytes: true };

/** Compresses payloads with gzip (ojs-encryption §7). Put it before the encryption codec. */
export class GzipCodec implements PayloadCodec {
  readonly encoding = 'gzip/plain';
  readonly #minBytes: number;
  readonly #maxBytes: number;

  constructor(options: GzipOptions = {}) {
    checkNames(options, gzipNames);
    this.#minBytes = options.minBytes ?? 1_024;
    this.#maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  }

  /** Returns the payload unchanged if compression does not make it smaller. */
  async encode(payload: Payload): Promise<Payload> {
    if (payload.data.length < this.#minBytes) return payload;
    const data = await through(payload.data, new CompressionStream('gzip'), Number.POSITIVE_INFINITY);
    return data.length < payload.data.length
      ? { data, metadata: { ...payload.metadata, encoding: this.encoding } }
      : payload;
  }

  /**
   * Decompresses.
   * @throws {CodecError} if the data is no gzip, or expands beyond `maxBytes`.
   */
  async decode({ data }: Payload): Promise<Payload> {
    try {
      return {
        data: await through(data, new DecompressionStream('gzip'), this.#maxBytes),
        metadata: { encoding: plain },
      };
    } catch (error) {
      if (error instanceof CodecError) throw error;
      throw new CodecError(
        'malformed_payload',
        'A payload with the encoding gzip/plain is not valid gzip. ' +
          'Check that the codecs here are those of the producer, in the same order.',
      );
    }
  }
}

type Transform = CompressionStream | DecompressionStream;

async function through(data: Uint8Array, stream: Transform, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const piped = new Blob([new Uint8Array(data)]).stream().pipeThrough(stream);
  for await (const chunk of piped) {
    length += chunk.length;
    if (length > maxBytes)
      throw new CodecError(
        'malformed_payload',
        `A payload expands to more than ${maxBytes} bytes, the limit maxBytes.`,
      );
    chunks.push(chunk);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
