import { createHash } from 'node:crypto';
import { uuidFrom, uuidv7 } from '@ojs-ts/core';
import type { Engine } from '../engine/engine.ts';

/**
 * Ids for items without one. A call with an idempotency key gets ids derived from the key, so a repeated call means the
 * same jobs. Their time is that of the hash, which nothing reads: the order comes from the sequence of enqueueing.
 */
export class Ids {
  readonly #engine: Engine;
  readonly #key: string | null;
  readonly #kind: string;
  #minted = 0;

  /** @param kind separates the keys of different operations. */
  constructor(engine: Engine, key: string | null, kind: 'job' | 'workflow' = 'job') {
    this.#engine = engine;
    this.#kind = kind;
    this.#key = key;
  }

  next(): string {
    const index = this.#minted++;
    if (this.#key === null) return uuidv7(this.#engine.clock);
    const hash = createHash('sha256').update(`${this.#kind}\n${this.#key}\n${index}`).digest();
    return uuidFrom(hash.readUIntBE(0, 6), hash.readUIntBE(6, 6), hash.readUInt16BE(12));
  }

  /**
   * Whether existing jobs are this call's own: the key says so, or nobody else could know their ids (the insert was
   * tried twice).
   */
  areOwn(count: number): boolean {
    return this.#key !== null || this.#minted === count;
  }
}
