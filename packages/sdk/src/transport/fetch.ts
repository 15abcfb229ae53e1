import type { Answer, Call, CallContext, StreamAnswer, StreamCall, Transport } from '@ojs-ts/core';
import { type HttpOptions, headersOf, requestLineOf } from './http.ts';
import { isStream, streamHeadersOf, streamTargetOf } from './stream.ts';

/** HTTP by `fetch`: that of the options, else that of the platform. */
export class FetchTransport implements Transport {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  async call(call: Call, context: CallContext = {}): Promise<Answer> {
    const send = this.#options.fetch ?? fetch;
    const { method, target } = requestLineOf(call, this.#options.base);
    const response = await send(`${this.#options.base.origin}${target}`, {
      method,
      headers: await headersOf(call, context.requestId, this.#options),
      body: call.body ?? null,
      signal: context.signal ?? null,
    });
    return { status: response.status, text: await response.text(), headers: Object.fromEntries(response.headers) };
  }

  async stream(call: StreamCall, context: CallContext = {}): Promise<StreamAnswer> {
    return openStream(this.#options, call, context);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Server-Sent Events by fetch. */
async function openStream(options: HttpOptions, call: StreamCall, context: CallContext): Promise<StreamAnswer> {
  const send = options.fetch ?? fetch;
  const response = await send(`${options.base.origin}${streamTargetOf(call, options.base)}`, {
    headers: await streamHeadersOf(call, context.requestId, options),
    signal: context.signal ?? null,
  });
  const head = { status: response.status, headers: Object.fromEntries(response.headers) };
  if (response.body === null || !isStream(head)) return { ...head, text: await response.text(), chunks: null };
  return { ...head, text: '', chunks: chunksOf(response.body) };
}

/** Uses a reader, because not every platform can iterate over a stream. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
