import { getHeapStatistics } from 'node:v8';
import {
  type Answer,
  type Call,
  type CallContext,
  type GuardedTransport,
  type StreamAnswer,
  type StreamCall,
  uuidv7,
} from '@ojs-ts/core';
import { readOptions } from '@ojs-ts/core/options';
import { Binding } from '../binding/binding.ts';
import type { Reply } from '../binding/reply.ts';
import { checkOptions, configured } from '../config-error.ts';
import { Engine } from '../engine/engine.ts';
import { heapSize, memoryLimits } from '../engine/memory-limits.ts';
import { type EngineOptions, engineNames, engineOptions } from '../engine/options.ts';
import { version } from '../files.ts';
import { Realtime } from '../realtime/streams/realtime.ts';
import { openStorage } from '../storage/open.ts';
import { Streams } from './streams.ts';

export type EmbeddedOptions = Omit<EngineOptions, 'storage'>;

/**
 * The engine in this process as a Transport: `new Client(transport)` and `new Worker(transport)` need no server and no
 * port. `close()` closes the storage.
 *
 * @param url `sqlite:PATH`, `sqlite:` for a temporary file, or `memory:`
 */
export async function openEmbedded(url: string, options: EmbeddedOptions = {}): Promise<Embedded> {
  checkOptions(options, engineNames);
  configured(() => readOptions(engineOptions, options));
  const storage = await openStorage(url, { events: options.events !== false });
  try {
    const memory = memoryLimits(heapSize(getHeapStatistics().heap_size_limit));
    return new Embedded(await Engine.start({ memory, ...options, storage }));
  } catch (error) {
    await storage[Symbol.asyncDispose]();
    throw error;
  }
}

export class Embedded implements GuardedTransport {
  readonly honorsGrants = true;
  readonly engine: Engine;
  readonly #binding: Binding;
  readonly #streams: Streams;
  readonly #inFlight = new Set<Promise<unknown>>();
  #closed: Promise<void> | null = null;
  /** Made once a second. */
  #dated = { second: Number.NaN, text: '' };

  constructor(engine: Engine, failed: (error: unknown) => void = () => {}) {
    this.engine = engine;
    const source = 'ojs://ojs-ts/embedded';
    this.#binding = new Binding(engine, { version, source, testMode: false }, failed);
    // A process needs no protection from a burst of its own: the rate is off, and the buffer bounds the cost of a slow
    // reader.
    this.#streams = new Streams(new Realtime(engine, source, { bufferSize: 1_000, ratePerSecond: 0 }));
  }

  async call(call: Call, context: CallContext = {}): Promise<Answer> {
    const { signal, requestId = `req_${uuidv7()}`, grant, owner, address } = context;
    signal?.throwIfAborted();
    if (this.#closed !== null) throw new Error('the embedded engine is closed');
    const answering = this.#binding.call(call.operation, {
      params: call.params ?? {},
      query: texts(call.query),
      body: call.body,
      requestId,
      key: call.idempotencyKey ?? null,
      ...(signal && { signal }),
      ...(grant !== undefined && { grant }),
      ...(owner !== undefined && { owner }),
      ...(address !== undefined && { address }),
    });
    this.#inFlight.add(answering);
    let reply: Reply;
    try {
      reply = await answering;
    } finally {
      this.#inFlight.delete(answering);
    }
    if (signal?.aborted) {
      reply.release?.();
      await reply.undelivered?.();
      signal.throwIfAborted();
    }
    try {
      let { text } = reply;
      if (reply.chunks) for await (const chunk of reply.chunks) text += chunk;
      const headers = { 'x-request-id': requestId, date: this.#date(), ...reply.headers };
      return { status: reply.status, text, headers };
    } finally {
      reply.release?.();
    }
  }

  /** As HTTP says the server's time: the clock of a store elsewhere may differ from this machine's. */
  #date(): string {
    const second = Math.floor(this.engine.clock.now() / 1_000);
    if (second !== this.#dated.second) this.#dated = { second, text: new Date(second * 1_000).toUTCString() };
    return this.#dated.text;
  }

  async stream(call: StreamCall, context: CallContext = {}): Promise<StreamAnswer> {
    context.signal?.throwIfAborted();
    if (this.#closed !== null) throw new Error('the embedded engine is closed');
    return this.#streams.open(call, context);
  }

  /**
   * Answers the calls in flight, long polls at once, ends the streams, then closes the storage. Close workers first:
   * their last outcomes are calls. A second call waits for the same end.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.engine.drain();
    this.#streams.close();
    await Promise.allSettled(this.#inFlight);
    await this.engine[Symbol.asyncDispose]();
  }
}

function texts(query: Call['query'] = {}): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, value === undefined ? undefined : String(value)]),
  );
}
