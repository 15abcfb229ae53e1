import type { Answer, Call, CallContext, Transport } from '@ojs-ts/core';
import { type HttpOptions, headersOf, methodOf, targetOf } from './http.ts';

/** HTTP by the platform's fetch, or by the one that the options name. */
export class FetchTransport implements Transport {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  async call(call: Call, context: CallContext = {}): Promise<Answer> {
    const send = this.#options.fetch ?? fetch;
    const response = await send(`${this.#options.base.origin}${targetOf(call, this.#options.base)}`, {
      method: methodOf(call),
      headers: await headersOf(call, context.requestId, this.#options),
      body: call.body ?? null,
      signal: context.signal ?? null,
    });
    return { status: response.status, text: await response.text(), headers: Object.fromEntries(response.headers) };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
