import { expiry } from '../attempts.ts';
import type { Connection } from '../connection.ts';
import type { WireRequest } from '../draft.ts';
import type { CallOptions } from '../options.ts';
import { Bulk } from './bulk.ts';
import { Coalescer } from './coalescer.ts';
import type { Sent } from './sent.ts';
import { contextOf } from './single.ts';

/** Characters of a merged request. Proxies refuse bodies of more than 1 MB unless they are told otherwise. */
const maxLength = 900_000;

/** Concurrent calls as one request, each with its own outcome. */
export class Merger {
  readonly #connection: Connection;
  readonly #bulk: Bulk;
  readonly #coalescer: Coalescer<WireRequest, Sent>;

  /** @param before a call that is under way: those that come meanwhile wait for it, and for each other. */
  constructor(connection: Connection, before: Promise<unknown> | null) {
    this.#connection = connection;
    this.#bulk = new Bulk(connection);
    this.#coalescer = new Coalescer(
      {
        run: (group, signal) => this.#bulk.send(group, signal),
        max: () => this.#bulk.max,
        sizeOf: ({ text }) => text.length,
        maxSize: maxLength,
      },
      before,
    );
  }

  /** True for a while where the server has no bulk operations. */
  get isAbsent(): boolean {
    return this.#bulk.isAbsent;
  }

  async add(request: WireRequest, options: CallOptions): Promise<Sent> {
    const ms = this.#connection.deadlineMs(options);
    return this.#coalescer.add(request, ms, () => expiry(ms, contextOf(request)), options.signal);
  }
}
