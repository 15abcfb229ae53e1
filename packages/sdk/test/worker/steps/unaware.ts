import { type Answer, type Call, type CallContext, isObject, type Transport } from '@ojs-ts/core';

/** The way to a server that does not know x-steps: its manifest has no such entry, and it offers no operation. */
export class Unaware implements Transport {
  readonly #server: Transport;

  constructor(server: Transport) {
    this.#server = server;
  }

  async call(call: Call, context?: CallContext): Promise<Answer> {
    if (call.operation === 'worker.steps' || call.operation === 'job.steps')
      throw new Error(`a server without x-steps was asked for ${call.operation}`);
    const answer = await this.#server.call(call, context);
    if (call.operation !== 'system.manifest') return answer;
    const manifest: unknown = JSON.parse(answer.text);
    if (!isObject(manifest)) return answer;
    return { ...answer, text: JSON.stringify({ ...manifest, extensions: { experimental: [] } }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
