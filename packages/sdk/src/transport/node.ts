import type { Answer, Call, CallContext, StreamAnswer, StreamCall, Transport } from '@ojs-ts/core';
import { Pool } from 'undici';
import { connectTimeoutMs, type HttpOptions, headersOf, requestLineOf } from './http.ts';
import { isStream, streamHeadersOf, streamTargetOf } from './stream.ts';

/** The connections of the pool. 64 do 29k requests/s; the global `fetch` does 3.7k. */
const connections = 64;

/**
 * HTTP by a pool of kept-alive connections. Deadlines come as `signal`, because a long poll may be silent for longer
 * than any default of undici.
 */
export class NodeTransport implements Transport {
  readonly #pool: Pool;
  readonly #options: HttpOptions;
  /** A pool of its own, because a stream keeps its connection. */
  #streams: Pool | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#pool = openPool(options, connections);
  }

  async call(call: Call, context: CallContext = {}): Promise<Answer> {
    const { method, target } = requestLineOf(call, this.#options.base);
    const { statusCode, headers, body } = await this.#pool.request({
      method,
      path: target,
      headers: await headersOf(call, context.requestId, this.#options),
      body: call.body ?? null,
      signal: context.signal ?? null,
    });
    const text = await body.text();
    return { status: statusCode, text, headers: flat(headers) };
  }

  async stream(call: StreamCall, context: CallContext = {}): Promise<StreamAnswer> {
    this.#streams ??= openPool(this.#options, null);
    const { statusCode, headers, body } = await this.#streams.request({
      method: 'GET',
      path: streamTargetOf(call, this.#options.base),
      headers: await streamHeadersOf(call, context.requestId, this.#options),
      signal: context.signal ?? null,
    });
    const head = { status: statusCode, headers: flat(headers) };
    if (!isStream(head)) return { ...head, text: await body.text(), chunks: null };
    body.setEncoding('utf8');
    return { ...head, text: '', chunks: body };
  }

  /** Waits for calls in flight, and ends the streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#pool.close(), this.#streams?.destroy()]);
  }
}

function openPool({ base, tls }: HttpOptions, connections: number | null): Pool {
  return new Pool(base.origin, {
    connections,
    connect: { timeout: connectTimeoutMs, ...tls },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) plain[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return plain;
}
