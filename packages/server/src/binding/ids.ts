import { createHash } from 'node:crypto';
import { uuidFrom, uuidv7 } from '@ojs-ts/core';
import type { Engine } from '../engine/engine.ts';

/**
 * Ids for what came without one. A call with an idempotency key gets the ids that follow from the key, so that its
 * repetition means the same jobs; their time stamp is the hash's, which nothing reads: order comes from the sequence of
 * enqueueing.
 */
export class Ids {
  readonly #engine: Engine;
  readonly #key: string | null;
  readonly #kind: string;
  #minted = 0;

  /** @param kind keeps keys of different operations apart. */
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
   * Jobs that are there already are this call's own: it says so by its key, or nobody else could know their ids (the
   * insert was tried twice).
   */
  areOwn(count: number): boolean {
    return this.#key !== null || this.#minted === count;
  }
}
