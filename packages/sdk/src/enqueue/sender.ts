import { expiry } from '../attempts.ts';
import type { Connection } from '../connection.ts';
import { currentFake } from '../fake.ts';
import type { CallOptions, WireRequest } from '../options.ts';
import { batchLimit, enqueueBatch, surelyTaken } from './batch.ts';
import { Bulk } from './bulk.ts';
import { Coalescer } from './coalescer.ts';
import type { Sent } from './sent.ts';
import { contextOf, enqueueOne } from './single.ts';

/** Characters of a merged request. Proxies refuse bodies of more than 1 MB unless they are told otherwise. */
const maxLength = 900_000;

/** Sends enqueue requests: single ones merged where they are concurrent, batches as they are. */
export class Sender {
  readonly #connection: Connection;
  readonly #bulk: Bulk;
  readonly #coalescer: Coalescer<WireRequest, Sent> | null;
  #maxBatch: Promise<number | null> | null = null;

  constructor(connection: Connection, coalesce: boolean) {
    this.#connection = connection;
    this.#bulk = new Bulk(connection);
    this.#coalescer = coalesce
      ? new Coalescer({
          run: (group, signal) => this.#bulk.send(group, signal),
          max: () => this.#bulk.max,
          sizeOf: ({ text }) => text.length,
          maxSize: maxLength,
        })
      : null;
  }

  async one(request: WireRequest, options: CallOptions): Promise<Sent> {
    // With a fake there is nothing to save, and calls of two tests must not become one.
    if (this.#coalescer === null || this.#bulk.isAbsent || currentFake() !== null) {
      return this.#connection.ask(enqueueOne(request), options);
    }
    const ms = this.#connection.deadlineMs(options);
    return this.#coalescer.add(request, ms, () => expiry('job.enqueue', ms, contextOf(request)), options.signal);
  }

  /** One request, all or none. @throws {OJSValidationError} for more jobs than the server takes at once. */
  async batch(requests: readonly WireRequest[], options: CallOptions): Promise<Sent[]> {
    const limit = requests.length > surelyTaken ? await this.#readMaxBatch(options) : null;
    return this.#connection.ask(enqueueBatch(requests, limit), options);
  }

  /** Takes no more single requests, and resolves when all that came have their outcome. */
  async close(): Promise<void> {
    await this.#coalescer?.close();
  }

  /** What the manifest says; null where it does not. Asked once, again after a failure. */
  async #readMaxBatch(options: CallOptions): Promise<number | null> {
    this.#maxBatch ??= this.#connection.ask(batchLimit(), options);
    try {
      return await this.#maxBatch;
    } catch {
      this.#maxBatch = null;
      options.signal?.throwIfAborted();
      return null;
    }
  }
}
