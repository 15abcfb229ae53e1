import { expiry } from '../attempts.ts';
import type { Connection } from '../connection.ts';
import type { WireRequest } from '../draft.ts';
import { currentFake } from '../fake.ts';
import type { CallOptions } from '../options.ts';
import { part, partsLoaded } from '../part.ts';
import type { Bulk } from './bulk.ts';
import { Coalescer } from './coalescer.ts';
import type { Sent } from './sent.ts';
import { contextOf, type Enqueue, enqueueOne, sendAlone } from './single.ts';

const bulk = part(() => import('./bulk.ts'));

/** What every server with bulk operations takes, ours ten times as many (ojs-bulk-operations §9.1). */
const maxJobs = 1_000;
/** Characters of a merged request. Proxies refuse bodies of more than 1 MB unless they are told otherwise. */
const maxLength = 900_000;

/** Sends single requests, merged where they are concurrent. */
export class Sender {
  readonly #connection: Connection;
  /** From the first group of more than one on. */
  #bulk: Bulk | null = null;
  readonly #coalescer: Coalescer<WireRequest, Sent> | null;

  constructor(connection: Connection, coalesce: boolean) {
    this.#connection = connection;
    this.#coalescer = coalesce
      ? new Coalescer({
          run: (group, signal) => this.#send(group, signal),
          max: () => this.#bulk?.max ?? maxJobs,
          sizeOf: ({ text }) => text.length,
          maxSize: maxLength,
        })
      : null;
  }

  async one(request: WireRequest, options: CallOptions): Promise<Sent> {
    // With a fake there is nothing to save, and calls of two tests must not become one.
    if (this.#coalescer === null || this.#bulk?.isAbsent || currentFake() !== null) {
      return this.#connection.ask(enqueueOne(request), options);
    }
    const ms = this.#connection.deadlineMs(options);
    return this.#coalescer.add(request, ms, () => expiry('job.enqueue', ms, contextOf(request)), options.signal);
  }

  /** Takes no more requests, and resolves when all that came have their outcome. */
  async close(): Promise<void> {
    // Who waits for code has called before.
    await partsLoaded();
    await this.#coalescer?.close();
  }

  async #send(group: readonly Enqueue[], signal: AbortSignal): Promise<void> {
    const sender = group.length > 1 ? await this.#loaded() : null;
    if (sender !== null) return sender.send(group, signal);
    if (!signal.aborted) await Promise.all(group.map((entry) => sendAlone(this.#connection, entry, false)));
  }

  /** Null where the code cannot be loaded: then each goes by itself. */
  async #loaded(): Promise<Bulk | null> {
    if (this.#bulk !== null) return this.#bulk;
    const code = await bulk().catch(() => null);
    if (code !== null) this.#bulk ??= new code.Bulk(this.#connection, maxJobs);
    return this.#bulk;
  }
}
