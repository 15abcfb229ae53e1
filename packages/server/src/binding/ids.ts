import { createHash } from 'node:crypto';
import { isUuidv7, timeOfUuid, uuidAt, uuidv7 } from '@ojs-ts/core';
import type { Parts } from '../engine/engine.ts';

type Engine = Parts<'clock'>;

/** Characters of a UUID. */
const uuidLength = 36;
/** Times that a client's clock may mean: 2020 to 2100. */
const earliest = Date.UTC(2020, 0);
const latest = Date.UTC(2100, 0);
/** About four years from {@link earliest} on: 37 bits of a digest distinguish keys, and no id is from the future. */
const spread = 2 ** 37;

/**
 * Ids for items without one. A call with an idempotency key gets ids derived from the key, so a repeated call means the
 * same jobs. These ids carry the time of a key that ends in a UUIDv7, as those of the SDK do, and sort as in the
 * request. Any other key has no time: its ids carry one between 2020 and 2024.
 */
export class Ids {
  readonly #engine: Engine;
  readonly #key: string | null;
  readonly #kind: string;
  #minted = 0;
  #derived: { readonly ms: number; readonly digest: Buffer } | undefined;

  /** @param kind separates the keys of different operations. */
  constructor(engine: Engine, key: string | null, kind = 'job') {
    this.#engine = engine;
    this.#kind = kind;
    this.#key = key;
  }

  next(): string {
    const place = this.#minted++;
    if (this.#key === null) return uuidv7(this.#engine.clock);
    this.#derived ??= derive(this.#key, this.#kind);
    return uuidAt(this.#derived.ms, this.#derived.digest, place);
  }

  /**
   * Reports whether existing jobs are this call's own: the key says so, or no other caller could know their ids (the
   * insert was tried twice).
   */
  areOwn(count: number): boolean {
    return this.#key !== null || this.#minted === count;
  }
}

function derive(key: string, kind: string) {
  const digest = createHash('sha256').update(`${kind}\n${key}`).digest();
  const end = key.slice(-uuidLength);
  const told = isUuidv7(end) ? timeOfUuid(end) : 0;
  const isPlausible = told >= earliest && told < latest;
  return { ms: isPlausible ? told : earliest + (digest.readUIntBE(8, 6) % spread), digest };
}
