import { fromBase64 } from '../base64.ts';
import { OJSValidationError } from '../errors.ts';

/** The CryptoKey of whatever platform types there are. */
export type WebCryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** 32 bytes, or a key of WebCrypto for AES-GCM. */
export type EncryptionKey = Uint8Array | WebCryptoKey;

/** Where keys come from. Asked for every job: one that asks a service should keep what it got. */
export interface KeyProvider {
  /** The id of the key for new jobs. */
  currentKeyId(): string | Promise<string>;
  /** undefined for an id that is not known. */
  key(id: string): EncryptionKey | undefined | Promise<EncryptionKey | undefined>;
}

const keyBytes = 32;

/**
 * Keys by id. To rotate, add a key and make it the current one; the old ones stay until no job needs them
 * (ojs-encryption §10.1).
 * @param keys 32 bytes each, as bytes or base64, such as from an environment variable.
 * @throws {OJSValidationError} for a key of another size, or a current id without a key.
 */
export function keyring(currentKeyId: string, keys: Readonly<Record<string, EncryptionKey | string>>): KeyProvider {
  const byId = new Map(Object.entries(keys).map(([id, key]) => [id, readKey(key, `keys[${JSON.stringify(id)}]`)]));
  if (!byId.has(currentKeyId))
    throw OJSValidationError.of('currentKeyId', `there is no key ${JSON.stringify(currentKeyId)}`);
  return { currentKeyId: () => currentKeyId, key: (id) => byId.get(id) };
}

export function readKey(key: EncryptionKey | string, path: string): EncryptionKey {
  const read = typeof key === 'string' ? fromBase64(key) : key;
  if (read instanceof Uint8Array && read.length !== keyBytes)
    throw OJSValidationError.of(path, `expected ${keyBytes} bytes, got ${read.length}`);
  if (read === null) throw OJSValidationError.of(path, `expected ${keyBytes} bytes, as bytes or base64`);
  return read;
}
