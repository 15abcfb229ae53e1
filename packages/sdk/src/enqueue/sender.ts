import { type Connection, expiry } from '../connection.ts';
import { isOjsError, OJSValidationError } from '../errors.ts';
import { currentFake } from '../fake.ts';
import { jobIn, readJob } from '../job.ts';
import { isWire, listOf, numberOf, wireOf } from '../json.ts';
import type { CallOptions, WireRequest } from '../options.ts';
import { Bulk } from './bulk.ts';
import { Coalescer } from './coalescer.ts';
import { outcomeOf, readSent, type Sent } from './sent.ts';
import { contextOf, sendBatch, singleCall, singleSettings } from './single.ts';

/** Characters of a merged request. Proxies refuse bodies of more than 1 MB unless they are told otherwise. */
const maxLength = 900_000;
/** Batches up to this size are sent without asking for the server's limit; every server takes as many (L4-BULK-002). */
const surelyTaken = 1_000;

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
    const about = contextOf(request);
    // With a fake there is nothing to save, and calls of two tests must not become one.
    if (this.#coalescer === null || this.#bulk.isAbsent || currentFake() !== null) {
      return readSent(await this.#connection.call(singleCall(request), options, about, singleSettings(request)));
    }
    const ms = this.#connection.deadlineMs(options);
    return this.#coalescer.add(request, ms, () => expiry('job.enqueue', ms, about), options.signal);
  }

  /** One request, all or none. @throws {OJSValidationError} for more jobs than the server takes at once. */
  async batch(requests: readonly WireRequest[], options: CallOptions): Promise<Sent[]> {
    const [first, ...rest] = requests;
    if (first === undefined) return [];
    if (requests.length > surelyTaken) {
      const max = await this.#readMaxBatch(options);
      if (max !== null && requests.length > max) throw tooMany(requests.length, max);
    }
    try {
      const answer = await sendBatch(this.#connection, [first, ...rest], options);
      return listOf(answer.jobs).map((raw) => ({ job: readJob(jobIn(raw)), outcome: isWire(raw) ? outcomeOf(raw) : 'created' }));
    } catch (error) {
      if (isOjsError(error, 'batch_size_exceeded') && 'error' in error) {
        throw tooMany(requests.length, numberOf(wireOf(wireOf(error.error)?.details)?.max_batch_size), error);
      }
      throw error;
    }
  }

  /** Takes no more single requests, and resolves when all that came have their outcome. */
  async close(): Promise<void> {
    await this.#coalescer?.close();
  }

  /** What the manifest says; null where it does not. Asked once, again after a failure. */
  async #readMaxBatch(options: CallOptions): Promise<number | null> {
    this.#maxBatch ??= this.#connection
      .call({ operation: 'system.manifest' }, options)
      .then((manifest) => numberOf(wireOf(manifest.limits)?.max_batch_jobs) ?? null);
    try {
      return await this.#maxBatch;
    } catch {
      this.#maxBatch = null;
      options.signal?.throwIfAborted();
      return null;
    }
  }
}

function tooMany(count: number, max: number | undefined, cause?: unknown): OJSValidationError {
  const message = `expected at most ${max ?? 'as many jobs as the server takes'} in one batch, got ${count}; nothing was enqueued`;
  return new OJSValidationError(`requests: ${message}`, { cause, operation: 'job.enqueueBatch', issues: [{ path: 'requests', message }] });
}
