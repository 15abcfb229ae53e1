import { hkdfSync, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** A token as its holder sends it: `ojs_ID_SECRET`. */
export interface TokenText {
  readonly id: string;
  readonly secret: string;
}

const pattern = /^ojs_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/** 256 random bits (ojs-security §6.1). */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function newTokenId(): string {
  return randomBytes(8).toString('hex');
}

export function formatToken({ id, secret }: TokenText): string {
  return `ojs_${id}_${secret}`;
}

/** Null for a text that is no token of a store. */
export function parseTokenText(text: string): TokenText | null {
  const [, id, secret] = pattern.exec(text) ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

/** 4 MiB and some 10 ms: a secret of 256 bits cannot be guessed, and attempts must not keep the server busy. */
const cost = { N: 4_096, r: 8, p: 1 } as const;
const bytes = 32;

/** `scrypt$N$r$p$SALT$HASH` (ojs-security §12.3). */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16);
  const { N, r, p } = cost;
  const hash = await derive(secret, salt, cost);
  return ['scrypt', N, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

export async function matchesHash(secret: string, stored: string): Promise<boolean> {
  const [, N, r, p, salt, hash] = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w-]+)\$([\w-]+)$/.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, 'base64url');
  const derived = await derive(secret, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) });
  return expected.length === derived.length && timingSafeEqual(expected, derived);
}

interface Cost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

function derive(secret: string, salt: Buffer, { N, r, p }: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, bytes, { N, r, p }, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/** 256 bits from the secret of a store (HKDF, RFC 5869). Keys of two purposes do not follow from each other. */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `ojs-ts ${purpose}`, 32));
}
