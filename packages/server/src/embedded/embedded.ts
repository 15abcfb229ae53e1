import { type Answer, type Call, type CallContext, type Transport, uuidv7 } from '@ojs-ts/core';
import { Binding } from '../binding/binding.ts';
import { Engine } from '../engine/engine.ts';
import type { EngineOptions } from '../engine/options.ts';
import { openStorage } from '../storage/open.ts';
import { version } from '../version.ts';

export type EmbeddedOptions = Omit<EngineOptions, 'storage'>;

/**
 * The engine in this process as a Transport: `new Client(transport)` and `new Worker(transport)` need no server and no port.
 * Disposing it closes the store.
 *
 * @param url `sqlite:PATH`, `sqlite:` for a temporary file, or `memory:`
 */
export async function openEmbedded(url: string, options: EmbeddedOptions = {}): Promise<Embedded> {
  const storage = await openStorage(url, { events: options.events !== false });
  try {
    return new Embedded(await Engine.start({ ...options, storage }));
  } catch (error) {
    await storage[Symbol.asyncDispose]();
    throw error;
  }
}

export class Embedded implements Transport {
  readonly engine: Engine;
  readonly #binding: Binding;
  readonly #underWay = new Set<Promise<unknown>>();
  #closed: Promise<void> | null = null;

  constructor(engine: Engine, failed: (error: unknown) => void = () => {}) {
    this.engine = engine;
    this.#binding = new Binding(engine, { version, source: 'ojs://ojs-ts/embedded', testMode: false }, failed);
  }

  async call(call: Call, context: CallContext = {}): Promise<Answer> {
    const { signal, requestId = `req_${uuidv7()}` } = context;
    signal?.throwIfAborted();
    if (this.#closed !== null) throw new Error('the embedded engine is closed');
    const answering = this.#binding.call(call.operation, {
      params: call.params ?? {},
      query: texts(call.query),
      body: call.body,
      requestId,
      key: call.idempotencyKey ?? null,
      ...(signal && { signal }),
    });
    this.#underWay.add(answering);
    const reply = await answering.finally(() => this.#underWay.delete(answering));
    if (signal?.aborted) {
      await reply.undelivered?.();
      signal.throwIfAborted();
    }
    return { status: reply.status, text: reply.text, headers: { 'x-request-id': requestId, ...reply.headers } };
  }

  /** Answers the calls under way, long polls at once, then closes the store. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.engine.drain();
    await Promise.allSettled(this.#underWay);
    await this.engine[Symbol.asyncDispose]();
  }
}

function texts(query: Call['query'] = {}): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, value === undefined ? undefined : String(value)]));
}
