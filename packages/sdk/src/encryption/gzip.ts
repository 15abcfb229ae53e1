import type { NamesOf } from '@ojs-ts/core';
import { known } from '../options/known.ts';
import { CodecError } from './error.ts';
import { type Payload, type PayloadCodec, plain } from './payload.ts';

/** When to compress, and how far to read. */
export interface GzipOptions {
  /** Smaller payloads are left as they are; default 1,024 (ojs-encryption §7.2). */
  minBytes?: number | undefined;
  /** The most that a payload may become when it is read; default 64 MiB. A few KB can hold gigabytes. */
  maxBytes?: number | undefined;
}

const gzipNames: NamesOf<GzipOptions> = { minBytes: true, maxBytes: true };

/** Compression, for in front of encryption. Skipped where it does not make the payload smaller. */
export class GzipCodec implements PayloadCodec {
  readonly encoding = 'gzip/plain';
  readonly #minBytes: number;
  readonly #maxBytes: number;

  constructor(options: GzipOptions = {}) {
    known(options, gzipNames);
    this.#minBytes = options.minBytes ?? 1_024;
    this.#maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  }

  /** Left as it is where compression does not help. */
  async encode(payload: Payload): Promise<Payload> {
    if (payload.data.length < this.#minBytes) return payload;
    const data = await through(payload.data, new CompressionStream('gzip'), Number.POSITIVE_INFINITY);
    return data.length < payload.data.length
      ? { data, metadata: { ...payload.metadata, encoding: this.encoding } }
      : payload;
  }

  /** Decompresses. @throws {CodecError} for what is no gzip, or grows beyond the limit. */
  async decode({ data }: Payload): Promise<Payload> {
    try {
      return {
        data: await through(data, new DecompressionStream('gzip'), this.#maxBytes),
        metadata: { encoding: plain },
      };
    } catch (error) {
      if (error instanceof CodecError) throw error;
      throw new CodecError('malformed_payload', 'A payload is no gzip, though its encoding says so.');
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
      throw new CodecError('malformed_payload', `A compressed payload becomes more than ${maxBytes} bytes.`);
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
