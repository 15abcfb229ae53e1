import type { JobId, JobRecord } from './job.ts';

const hexDigits = /^[0-9a-f]{32}$/;
const wire = /^c([1-9a-z][0-9a-z]{0,10})\.[\w-]{11}$/;
const alphabet = Uint8Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', (one) =>
  one.charCodeAt(0),
);
/** The claim of a lease that the store did not issue. No job has it. */
export const noClaim = -1;

/** 32 random hexadecimal digits: the key of a store's leases, or the secret of a worker. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The claim that a lease names; null for any other text. Only {@link Leases} can recognise a forged one. */
export function claimOf(lease: string): number | null {
  const claim = Number.parseInt(wire.exec(lease)?.[1] ?? '', 36);
  return Number.isSafeInteger(claim) ? claim : null;
}

/**
 * Makes and checks leases: the fence of a claim on the wire. A lease has the number of the claim, and a keyed hash of
 * job id and number that cannot be made without the store's key. Clients treat it as an opaque text.
 *
 * The hash is SipHash-2-4 (https://www.aumasson.jp/siphash/siphash.pdf) with a key of 128 bits: 0.3 µs a lease, against
 * 15 µs of `createHmac` and 0.5 µs of `crypto.hash`, and core may not import either. 64 bits are enough, because
 * each guess costs a request.
 */
export class Leases {
  readonly #key = new Int32Array(4);
  readonly #words = new Int32Array(6);
  #low = 0;
  #high = 0;

  /** @param key 32 hexadecimal digits, secret. */
  constructor(key: string) {
    if (!hexDigits.test(key)) throw new TypeError('The key of the leases: expected 32 hexadecimal digits.');
    for (let byte = 0; byte < 16; byte++)
      this.#key[byte >> 2]! |= Number.parseInt(key.slice(2 * byte, 2 * byte + 2), 16) << (8 * (byte & 3));
  }

  /** The lease of the job's current claim. */
  of({ id, claim }: Pick<JobRecord, 'id' | 'claim'>): string {
    this.#read(id, claim);
    this.#hash();
    return `${headOf(claim)}${String.fromCharCode(
      this.#digit(0),
      this.#digit(1),
      this.#digit(2),
      this.#digit(3),
      this.#digit(4),
      this.#digit(5),
      this.#digit(6),
      this.#digit(7),
      this.#digit(8),
      this.#digit(9),
      this.#digit(10),
    )}`;
  }

  /** One of the eleven digits of the hash, six bits each, the lowest first. */
  #digit(place: number): number {
    const bit = 6 * place;
    if (bit > 30) return alphabet[(this.#high >>> (bit - 32)) & 63]!;
    return alphabet[(bit < 30 ? this.#low >>> bit : (this.#low >>> 30) | (this.#high << 2)) & 63]!;
  }

  /** The claim of a lease of this job; {@link noClaim} if the store did not issue the lease. */
  claimOf(id: JobId, lease: string): number {
    const tagAt = lease.length - 11;
    const claim = Number.parseInt(lease.slice(1, tagAt), 36);
    if (!Number.isSafeInteger(claim) || claim < 1 || lease.slice(0, tagAt) !== headOf(claim)) return noClaim;
    this.#read(id, claim);
    this.#hash();
    // In constant time: the time must not show at which character the texts differ.
    let difference = 0;
    for (let place = 0; place < 11; place++) difference |= this.#digit(place) ^ lease.charCodeAt(tagAt + place);
    return difference === 0 ? claim : noClaim;
  }

  /** The message: 16 bytes of the id, 7 of the claim, and their number. */
  #read(id: JobId, claim: number): void {
    let word = 0;
    let digits = 0;
    for (let at = 0; at < 36; at++) {
      const code = id.charCodeAt(at);
      if (code === 45) continue;
      // '0' to '9' are 0x30 to 0x39, 'a' to 'f' are 0x61 to 0x66.
      word = (word << 4) | ((code & 15) + (code >> 6) * 9);
      if ((++digits & 7) === 0) this.#words[(digits >> 3) - 1] = word;
    }
    this.#words[4] = claim;
    this.#words[5] = Math.floor(claim / 0x1_0000_0000) | (23 << 24);
  }

  /** SipHash-2-4 of the words, each number of 64 bits in two halves. */
  #hash(): void {
    const key = this.#key;
    let l0 = key[0]! ^ 0x70736575;
    let h0 = key[1]! ^ 0x736f6d65;
    let l1 = key[2]! ^ 0x6e646f6d;
    let h1 = key[3]! ^ 0x646f7261;
    let l2 = key[0]! ^ 0x6e657261;
    let h2 = key[1]! ^ 0x6c796765;
    let l3 = key[2]! ^ 0x79746573;
    let h3 = key[3]! ^ 0x74656462;
    for (let block = 0; block < 4; block++) {
      const isLast = block === 3;
      const low = isLast ? 0 : this.#words[2 * block]!;
      const high = isLast ? 0 : this.#words[2 * block + 1]!;
      if (isLast) l2 ^= 0xff;
      l3 ^= low;
      h3 ^= high;
      for (let round = isLast ? 4 : 2; round > 0; round--) {
        let was = l1;
        l0 = (l0 + l1) | 0;
        h0 = (h0 + h1 + (l0 >>> 0 < l1 >>> 0 ? 1 : 0)) | 0;
        l1 = ((l1 << 13) | (h1 >>> 19)) ^ l0;
        h1 = ((h1 << 13) | (was >>> 19)) ^ h0;
        was = l0;
        l0 = h0;
        h0 = was;
        l2 = (l2 + l3) | 0;
        h2 = (h2 + h3 + (l2 >>> 0 < l3 >>> 0 ? 1 : 0)) | 0;
        was = l3;
        l3 = ((l3 << 16) | (h3 >>> 16)) ^ l2;
        h3 = ((h3 << 16) | (was >>> 16)) ^ h2;
        l0 = (l0 + l3) | 0;
        h0 = (h0 + h3 + (l0 >>> 0 < l3 >>> 0 ? 1 : 0)) | 0;
        was = l3;
        l3 = ((l3 << 21) | (h3 >>> 11)) ^ l0;
        h3 = ((h3 << 21) | (was >>> 11)) ^ h0;
        l2 = (l2 + l1) | 0;
        h2 = (h2 + h1 + (l2 >>> 0 < l1 >>> 0 ? 1 : 0)) | 0;
        was = l1;
        l1 = ((l1 << 17) | (h1 >>> 15)) ^ l2;
        h1 = ((h1 << 17) | (was >>> 15)) ^ h2;
        was = l2;
        l2 = h2;
        h2 = was;
      }
      l0 ^= low;
      h0 ^= high;
    }
    this.#low = l0 ^ l1 ^ l2 ^ l3;
    this.#high = h0 ^ h1 ^ h2 ^ h3;
  }
}

function headOf(claim: number): string {
  return `c${claim.toString(36)}.`;
}
