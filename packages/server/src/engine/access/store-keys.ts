import { hkdfSync } from 'node:crypto';

/** Keys for single purposes, derived from the secret of a store: only its servers have them. */
export class StoreKeys {
  readonly #secret: string;

  /** @param secret with at least 128 random bits. */
  constructor(secret: string) {
    this.#secret = secret;
  }

  /** 256 bits (HKDF, RFC 5869). Keys of two purposes do not follow from each other. */
  derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#secret, '', `ojs-ts ${purpose}`, 32));
  }
}
