import { expiry } from '../connection/attempts.ts';
import type { Connection } from '../connection/connection.ts';
import { currentFake } from '../connection/fake.ts';
import type { CallOptions } from '../job/options.ts';
import type { WireRequest } from '../job/wire.ts';
import { Bulk, Pending } from './bulk.ts';
import { Coalescer } from './coalescer.ts';
import { enqueueOne, type Sent } from './single.ts';

/** The longest merged request, in characters. By default nginx refuses bodies of more than 1 MB. */
const maxLength = 900_000;

/** Sends single requests. Concurrent ones go as one request, each with its own outcome. */
export class Sender {
  readonly #connection: Connection;
  readonly #merges: boolean;
  readonly #bulk: Bulk;
  readonly #coalescer: Coalescer<Pending, Sent>;

  constructor(connection: Connection, merges: boolean) {
    this.#connection = connection;
    this.#merges = merges;
    this.#bulk = new Bulk(connection, () => this.#coalescer.isFull);
    this.#coalescer = new Coalescer({
      run: (group, signal) => this.#bulk.send(group, signal),
      max: () => this.#bulk.max,
      atOnce: () => this.#bulk.atOnce,
      sizeOf: ({ request }) => request.text.length,
      maxSize: maxLength,
    });
  }

  one(request: WireRequest, options: CallOptions): Promise<Sent> {
    // A fake gains nothing, and calls of two tests must not become one request.
    if (!this.#merges || this.#bulk.isAbsent || currentFake() !== null)
      return this.#connection.carry(enqueueOne(request), options);
    const ms = this.#connection.deadlineMs(options);
    const pending = new Pending(request);
    return this.#coalescer.add(pending, ms, () => expiry(ms, pending.about, pending.met), options.signal);
  }
}
