import type { Connection } from '../connection.ts';
import type { WireRequest } from '../draft.ts';
import { currentFake } from '../fake.ts';
import type { CallOptions } from '../options.ts';
import { part } from '../part.ts';
import type { Merger } from './merger.ts';
import type { Sent } from './sent.ts';
import { enqueueOne } from './single.ts';

const merging = part(() => import('./merger.ts'));

/** Sends single requests, merged where they are concurrent. */
export class Sender {
  readonly #connection: Connection;
  readonly #merges: boolean;
  /** From the first concurrent calls on. */
  #merger: Merger | null = null;
  /** Before that: how many calls are under way, and the one that was alone. */
  #count = 0;
  #lone: Promise<Sent> | null = null;

  constructor(connection: Connection, merges: boolean) {
    this.#connection = connection;
    this.#merges = merges;
  }

  async one(request: WireRequest, options: CallOptions): Promise<Sent> {
    // With a fake there is nothing to save, and calls of two tests must not become one.
    if (!this.#merges || this.#merger?.isAbsent || currentFake() !== null) return this.#alone(request, options);
    if (this.#merger !== null) return this.#merger.add(request, options);
    this.#count += 1;
    try {
      // The other calls of this turn come first.
      await null;
      if (this.#count > 1) return await this.#merged(request, options);
      this.#lone = this.#alone(request, options);
      return await this.#lone;
    } finally {
      this.#count -= 1;
    }
  }

  #alone(request: WireRequest, options: CallOptions): Promise<Sent> {
    return this.#connection.carry(enqueueOne(request), options);
  }

  async #merged(request: WireRequest, options: CallOptions): Promise<Sent> {
    const code = await merging().catch(() => null);
    // What cannot be loaded, as by a browser that is offline, cannot merge.
    if (code === null) return this.#alone(request, options);
    this.#merger ??= new code.Merger(this.#connection, this.#lone);
    return this.#merger.add(request, options);
  }
}
