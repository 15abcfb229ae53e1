import type { Answer, Call, CallContext, StreamAnswer, StreamCall, Transport } from '@ojs-ts/core';
import { part } from '../part.ts';
import { type HttpOptions, headersOf, requestLineOf } from './http.ts';

const streams = part(() => import('./fetch-stream.ts'));

/** HTTP by the platform's fetch, or by the one that the options name. */
export class FetchTransport implements Transport {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  async call(call: Call, context: CallContext = {}): Promise<Answer> {
    const send = this.#options.fetch ?? fetch;
    const { method, target } = await requestLineOf(call, this.#options.base);
    const response = await send(`${this.#options.base.origin}${target}`, {
      method,
      headers: await headersOf(call, context.requestId, this.#options),
      body: call.body ?? null,
      signal: context.signal ?? null,
    });
    return { status: response.status, text: await response.text(), headers: Object.fromEntries(response.headers) };
  }

  async stream(call: StreamCall, context: CallContext = {}): Promise<StreamAnswer> {
    return (await streams()).openStream(this.#options, call, context);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
